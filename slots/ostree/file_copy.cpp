#include "slots/ostree/file_copy.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/io.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/bare_stream.h"
#include "slots/ostree/tree_objects.h"

namespace cube {
namespace {

// Of a repository that keeps owner, mode and targets as data.
Result<FileHeader> header_kept_as_data(OstreeRepo* repository, const Sha256& object) {
  glib::ErrorOut error;
  GFileInfo* raw_info = nullptr;
  GVariant* raw_list = nullptr;
  if (!ostree_repo_load_file(repository, to_hex(object).c_str(), nullptr, &raw_info, &raw_list,
                             nullptr, error.out()))
    return error.translate("read");
  const glib::Object<GFileInfo> info(raw_info);
  const glib::Variant list(raw_list);
  const auto number = [&](const char* name) {
    return g_file_info_get_attribute_uint32(info.get(), name);
  };
  FileHeader header{number("unix::uid"), number("unix::gid"), number("unix::mode"), "", {}};
  if (S_ISLNK(header.mode)) header.target = g_file_info_get_symlink_target(info.get());
  CUBE_TRY(header.attributes, parse_attributes(list.get()));
  return header;
}

Status write_rest(BareStream& from, const Fd& to) {
  for (;;) {
    CUBE_TRY(const auto piece, from.next());
    if (piece.empty()) return ok();
    CUBE_CHECK(write_all(to, piece));
  }
}

Result<Sha256> digest_of(BareStream& stream) {
  Sha256Hasher hasher;
  for (;;) {
    CUBE_TRY(const auto piece, stream.next());
    if (piece.empty()) return hasher.finish();
    hasher.update(piece);
  }
}

}  // namespace

FileCopier::FileCopier(const Repository& repository, Fd objects)
    : repository_(&repository),
      objects_(std::move(objects)),
      buffer_(std::make_unique<ObjectStream::Buffer>()) {}

Result<FileCopier> FileCopier::open(const Repository& repository) {
  const auto path = repository.path() + "/objects";
  Fd objects(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!objects.valid()) return system_error("open " + path);
  return FileCopier(repository, std::move(objects));
}

Result<OpenInode> FileCopier::open_object(const Sha256& object) const {
  const ObjectId id{ObjectKind::file, object};
  CUBE_TRY(auto inode, open_inode(objects_.get(), bare_file(id), Reading::cached));
  if (!repository_->keeps_owners()) {
    CUBE_TRY(inode.header, header_kept_as_data(repository_->native(), object));
  }
  return inode;
}

Status FileCopier::link(const Sha256& object, const RootDir& folder,
                        const std::string& name) const {
  if (!repository_->keeps_owners()) {
    CUBE_TRY(const auto inode, open_object(object));
    if (S_ISLNK(inode.header.mode)) return copy(object, folder, name);
  }
  const auto file = bare_file({ObjectKind::file, object});
  if (::linkat(objects_.get(), file.c_str(), folder.fd(), name.c_str(), 0) == 0) return ok();
  return errno == EMLINK ? copy(object, folder, name) : Status(system_error("link"));
}

Status FileCopier::copy(const Sha256& object, const RootDir& folder,
                        const std::string& name) const {
  CUBE_TRY(auto inode, open_object(object));
  auto header = inode.header;
  if (!repository_->keeps_owners()) {
    header.uid = ::geteuid();
    header.gid = ::getegid();
    header.attributes.clear();
  }
  if (S_ISLNK(header.mode)) return make_link(folder.fd(), name, header);
  const Fd file(::openat(folder.fd(), name.c_str(),
                         O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error("create");
  if (::ioctl(file.get(), FICLONE, inode.file.get()) != 0) {  // no blocks of its own until changed
    BareStream content(std::move(inode), "", *buffer_);
    CUBE_CHECK(write_rest(content, file));
  }
  return give_header(file, header);
}

std::string FileCopier::header_difference(const FileHeader& wanted,
                                          const FileHeader& present) const {
  if ((wanted.mode & S_IFMT) != (present.mode & S_IFMT)) return "is of another type";
  if (wanted.target != present.target) return "links elsewhere";
  if (!repository_->keeps_owners()) return "";
  if (wanted.mode != present.mode) return "has another mode";
  if (wanted.uid != present.uid || wanted.gid != present.gid) return "has another owner";
  if (wanted.attributes != present.attributes) return "has other extended attributes";
  return "";
}

Result<std::string> FileCopier::difference(const Sha256& object, const RootDir& folder,
                                           const std::string& name, Reading reading) const {
  CUBE_TRY(const auto wanted, open_object(object));
  auto present = open_inode(folder.fd(), name, reading);
  if (!present && present.error().code == Errc::not_found) return std::string("is missing");
  if (!present && present.error().code == Errc::corrupt) return std::string("is of another type");
  if (!present) return std::move(present).error();
  auto difference = header_difference(wanted.header, present->header);
  if (!difference.empty()) return difference;
  BareStream stream(std::move(*present), file_header_bytes(wanted.header), *buffer_);
  const auto digest = digest_of(stream);
  if (!digest) return std::string("cannot be read");
  return std::string(*digest == object ? "" : "has other content");
}

}  // namespace cube
