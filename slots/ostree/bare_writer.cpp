#include "slots/ostree/bare_writer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <atomic>

#include "base/io.h"
#include "base/root_dir.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/inode_header.h"

namespace cube {
namespace {

constexpr const char* unfinished_folder = "tmp/cube-update";
constexpr mode_t metadata_mode = 0644;

Status give_name(const Fd& repository, const std::string& unfinished, const std::string& file) {
  const auto name = "objects/" + file;
  const auto rename = [&] {
    return ::renameat(repository.get(), unfinished.c_str(), repository.get(), name.c_str()) == 0;
  };
  if (rename()) return ok();
  if (errno != ENOENT) return system_error("rename");
  const auto folder = name.substr(0, name.rfind('/'));
  if (::mkdirat(repository.get(), folder.c_str(), 0755) != 0 && errno != EEXIST)
    return system_error("create " + folder);
  return rename() ? ok() : Status(system_error("rename"));
}

}  // namespace

Result<BareWriter> BareWriter::open(const std::string& repository) {
  static std::atomic<unsigned> writers{0};
  CUBE_TRY(const auto folder, RootDir::open(repository));
  CUBE_CHECK(folder.make_dirs(unfinished_folder, 0700));
  CUBE_TRY(auto fd, folder.open_file(".", O_RDONLY | O_DIRECTORY));
  return BareWriter(std::move(fd),
                    std::string(unfinished_folder) + "/" + std::to_string(++writers));
}

Status BareWriter::clean(const std::string& repository) {
  CUBE_TRY(const auto folder, RootDir::open(repository));
  return folder.remove_tree(unfinished_folder);
}

BareWriter::~BareWriter() {
  if (repository_.valid()) ::unlinkat(repository_.get(), unfinished_.c_str(), 0);
}

// An object that did not come to its end may have left its file behind.
Status BareWriter::remove_unfinished() {
  if (::unlinkat(repository_.get(), unfinished_.c_str(), 0) != 0 && errno != ENOENT)
    return system_error("delete " + unfinished_);
  return ok();
}

Status BareWriter::begin(const PackObject& object) {
  object_ = object;
  header_.clear();
  written_ = 0;
  header_bytes_ = object.kind == ObjectKind::file ? header_prefix_bytes : 0;
  CUBE_CHECK(remove_unfinished());
  file_ = Fd(::openat(repository_.get(), unfinished_.c_str(),
                      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file_.valid()) return system_error("create " + unfinished_);
  return ok();
}

// Takes from `bytes` what belongs to the header.
Status BareWriter::take_header(std::string_view& bytes) {
  while (header_.size() < header_bytes_ && !bytes.empty()) {
    const auto part = bytes.substr(0, header_bytes_ - header_.size());
    header_ += part;
    bytes.remove_prefix(part.size());
    if (header_.size() == header_prefix_bytes) {
      CUBE_TRY(header_bytes_, header_length(header_));
    }
  }
  return ok();
}

Status BareWriter::write(std::string_view bytes) {
  CUBE_CHECK(take_header(bytes));
  // Nothing writes to objects later, so they need no blocks for zeros.
  auto status = write_around_zeros(file_, bytes, static_cast<off_t>(written_));
  written_ += bytes.size();
  if (!status) return std::move(status).error().in(describe(object_.kind, object_.name));
  return status;
}

Status BareWriter::end() {
  const auto finish = [&]() -> Status {
    // It may end with zeros that were not written.
    if (written_ >= shortest_hole && ::ftruncate(file_.get(), static_cast<off_t>(written_)) != 0)
      return system_error("length");
    if (object_.kind == ObjectKind::file) {
      if (header_.size() < header_bytes_) return Error{Errc::corrupt, "ends within its header"};
      CUBE_TRY(const auto header, parse_file_header(header_));
      if (S_ISLNK(header.mode)) {
        if (object_.length != header_bytes_)
          return Error{Errc::corrupt, "is a symlink with content"};
        CUBE_CHECK(remove_unfinished());
        CUBE_CHECK(make_link(repository_.get(), unfinished_, header));
      } else {
        CUBE_CHECK(give_header(file_, header));
      }
    } else if (::fchmod(file_.get(), metadata_mode) != 0) {
      return system_error("mode");
    }
    return give_name(repository_, unfinished_, bare_file({object_.kind, object_.name}));
  };
  auto status = finish();
  file_.reset();
  if (!status) return std::move(status).error().in(describe(object_.kind, object_.name));
  return status;
}

Status BareWriter::lose() {
  file_.reset();
  return remove_unfinished();
}

}  // namespace cube
