#include "slots/ostree/compose/archive_files.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <map>
#include <utility>

#include "base/io.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/repository.h"
#include "slots/pack/object.h"

namespace cube {
namespace {

using glib::ErrorOut;

constexpr std::uint64_t largest_read_anew = 1024 * 1024;

Error damaged(Error error) {
  if (error.code == Errc::failed || error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

struct Opened {
  glib::Object<GInputStream> content;  // null for a symlink
  std::uint64_t size = 0;
};

Result<Opened> open_file(OstreeRepo* repository, const Sha256& name, bool with_content) {
  ErrorOut error;
  GInputStream* content = nullptr;
  GFileInfo* raw_info = nullptr;
  if (!ostree_repo_load_file(repository, to_hex(name).c_str(), with_content ? &content : nullptr,
                             &raw_info, nullptr, nullptr, error.out()))
    return damaged(error.translate(describe(ObjectKind::file, name)));
  const glib::Object<GFileInfo> info(raw_info);
  Opened opened{glib::Object<GInputStream>(content), 0};
  if (g_file_info_get_file_type(info.get()) == G_FILE_TYPE_REGULAR)
    opened.size = static_cast<std::uint64_t>(g_file_info_get_size(info.get()));
  return opened;
}

// A new file that has no name any more.
Result<Fd> nameless_file(const std::string& folder) {
  std::string path = folder + "/cube-contents-XXXXXX";
  Fd file(::mkostemp(path.data(), O_CLOEXEC));
  if (!file.valid()) return system_error("make a file in " + folder);
  if (::unlink(path.c_str()) != 0) return system_error("remove " + path);
  return file;
}

Status append_at(const Fd& file, std::uint64_t offset, std::size_t length, std::string& bytes) {
  const auto before = bytes.size();
  bytes.resize(before + length);
  for (std::size_t done = 0; done < length;) {
    const auto count = ::pread(file.get(), bytes.data() + before + done, length - done,
                               static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read a copied content");
    if (count == 0) return Error{Errc::bug, "a copied content is too short"};
    done += static_cast<std::size_t>(count);
  }
  return ok();
}

}  // namespace

struct ArchiveFiles::Source {
  // Where in the copies the content of the file is.
  Result<std::uint64_t> copy_of(const ArchiveFiles& files, const Sha256& name) {
    if (const auto found = copied.find(name); found != copied.end()) return found->second;
    if (!copies.valid()) {
      CUBE_TRY(copies, nameless_file(repository.path() + "/tmp"));
    }
    auto end = copies_end;
    const auto copy = [&](std::string_view piece) {
      const auto at = std::exchange(end, end + piece.size());
      return write_at(copies, piece, static_cast<off_t>(at));
    };
    CUBE_CHECK(files.each(name, copy));
    copied[name] = copies_end;
    return std::exchange(copies_end, end);
  }

  Repository repository;
  Fd copies;
  std::uint64_t copies_end = 0;
  std::map<Sha256, std::uint64_t> copied;
};

ArchiveFiles::ArchiveFiles(std::unique_ptr<Source> source) : source_(std::move(source)) {}
ArchiveFiles::ArchiveFiles(ArchiveFiles&&) noexcept = default;
ArchiveFiles& ArchiveFiles::operator=(ArchiveFiles&&) noexcept = default;
ArchiveFiles::~ArchiveFiles() = default;

Result<ArchiveFiles> ArchiveFiles::open(const std::string& repository) {
  CUBE_TRY(auto opened, Repository::open_archive(repository, false));
  return ArchiveFiles(std::unique_ptr<Source>(new Source{std::move(opened), Fd(), 0, {}}));
}

Result<std::uint64_t> ArchiveFiles::size(const Sha256& name) const {
  CUBE_TRY(const auto opened, open_file(source_->repository.native(), name, false));
  return opened.size;
}

Status ArchiveFiles::each(const Sha256& name,
                          const std::function<Status(std::string_view)>& take) const {
  CUBE_TRY(const auto opened, open_file(source_->repository.native(), name, true));
  ErrorOut error;
  std::string buffer(256 * 1024, '\0');
  for (std::uint64_t done = 0; opened.content;) {
    const auto count = g_input_stream_read(opened.content.get(), buffer.data(), buffer.size(),
                                           nullptr, error.out());
    if (count < 0) return damaged(error.translate(describe(ObjectKind::file, name)));
    done += static_cast<std::uint64_t>(count);
    if (done > opened.size || (count == 0 && done < opened.size))
      return Error{Errc::corrupt, describe(ObjectKind::file, name) + ": is not as long as it says"};
    if (count == 0) break;
    CUBE_CHECK(take({buffer.data(), static_cast<std::size_t>(count)}));
  }
  return ok();
}

Status ArchiveFiles::read(const Sha256& name, std::uint64_t size, std::uint64_t offset,
                          std::size_t length, std::string& bytes) {
  const auto wrong = [&] {
    return Error{Errc::corrupt, describe(ObjectKind::file, name) + ": has another size"};
  };
  if (offset > size || length > size - offset) return wrong();
  if (size <= largest_read_anew || length == size) {
    std::string whole;
    const auto keep = [&](std::string_view piece) -> Status {
      whole += piece;
      if (whole.size() > size) return wrong();
      return ok();
    };
    CUBE_CHECK(each(name, keep));
    if (whole.size() != size) return wrong();
    bytes.append(whole, offset, length);
    return ok();
  }
  CUBE_TRY(const auto actual, this->size(name));
  if (actual != size) return wrong();
  CUBE_TRY(const auto copy, source_->copy_of(*this, name));
  return append_at(source_->copies, copy + offset, length, bytes);
}

}  // namespace cube
