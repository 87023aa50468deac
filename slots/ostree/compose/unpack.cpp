#include "slots/ostree/compose/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>

namespace cube {
namespace {

constexpr std::uint64_t max_members = 2'000'000;
constexpr std::uint64_t max_bytes = 64ULL * 1024 * 1024 * 1024;
constexpr std::size_t block_bytes = 128 * 1024;

struct ReadCloser {
  void operator()(archive* a) const { archive_read_free(a); }
};
struct WriteCloser {
  void operator()(archive* a) const { archive_write_free(a); }
};
using Reader = std::unique_ptr<archive, ReadCloser>;
using Writer = std::unique_ptr<archive, WriteCloser>;

Error archive_failure(archive* a, const std::string& what) {
  const int number = archive_errno(a);
  const char* text = archive_error_string(a);
  return {number == ENOSPC ? Errc::no_space : Errc::failed,
          what + ": " + (text != nullptr ? text : "unknown failure"), number};
}

bool stays_inside(const std::string& path) {
  if (path.empty() || path.front() == '/') return false;
  for (std::size_t at = 0; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    if (path.compare(at, end - at, "..") == 0) return false;
    at = end + 1;
  }
  return true;
}

std::string without_dot(std::string path) {
  while (path.starts_with("./")) path.erase(0, 2);
  return path;
}

Status copy_content(archive* from, archive* to, std::uint64_t& total, const std::string& name) {
  const void* block = nullptr;
  std::size_t count = 0;
  la_int64_t offset = 0;
  for (;;) {
    const int r = archive_read_data_block(from, &block, &count, &offset);
    if (r == ARCHIVE_EOF) return ok();
    if (r != ARCHIVE_OK) return archive_failure(from, name);
    total += count;
    if (total > max_bytes) return Error{Errc::invalid, "the tar holds more than 64 GiB"};
    if (archive_write_data_block(to, block, count, offset) != ARCHIVE_OK)
      return archive_failure(to, name);
  }
}

// Puts the member below `folder`.
Status redirect(archive_entry* entry, const std::string& folder) {
  const char* raw = archive_entry_pathname(entry);
  const std::string name = without_dot(raw != nullptr ? raw : "");
  if (!stays_inside(name)) return Error{Errc::invalid, "tar member " + name + " leaves the tree"};
  archive_entry_set_pathname(entry, (folder + "/" + name).c_str());
  if (const char* link = archive_entry_hardlink(entry); link != nullptr) {
    const std::string target = without_dot(link);
    if (!stays_inside(target))
      return Error{Errc::invalid, "tar member " + name + " links to " + target};
    archive_entry_set_hardlink(entry, (folder + "/" + target).c_str());
  }
  return ok();
}

bool is_top(archive_entry* entry) {
  const char* raw = archive_entry_pathname(entry);
  const std::string name = raw != nullptr ? raw : "";
  return name == "." || name == "./";
}

// "/" of the tree: the folder is there already and takes the member's mode and owner.
Status set_top(archive_entry* entry, const std::string& folder) {
  if (::geteuid() == 0 && ::chown(folder.c_str(), static_cast<uid_t>(archive_entry_uid(entry)),
                                  static_cast<gid_t>(archive_entry_gid(entry))) != 0)
    return system_error("owner of " + folder);
  if (::chmod(folder.c_str(), archive_entry_perm(entry)) != 0)
    return system_error("mode of " + folder);
  return ok();
}

}  // namespace

Status unpack_tar(const std::string& file, const std::string& folder) {
  const Reader from(archive_read_new());
  archive_read_support_filter_all(from.get());
  archive_read_support_format_tar(from.get());
  if (archive_read_open_filename(from.get(), file.c_str(), block_bytes) != ARCHIVE_OK)
    return archive_failure(from.get(), file);
  const Writer to(archive_write_disk_new());
  int flags = ARCHIVE_EXTRACT_TIME | ARCHIVE_EXTRACT_PERM | ARCHIVE_EXTRACT_SECURE_SYMLINKS |
              ARCHIVE_EXTRACT_SECURE_NODOTDOT;
  if (::geteuid() == 0) flags |= ARCHIVE_EXTRACT_OWNER | ARCHIVE_EXTRACT_XATTR;
  archive_write_disk_set_options(to.get(), flags);
  std::uint64_t members = 0;
  std::uint64_t total = 0;
  archive_entry* entry = nullptr;
  for (;;) {
    const int r = archive_read_next_header(from.get(), &entry);
    if (r == ARCHIVE_EOF) return ok();
    if (r != ARCHIVE_OK) return archive_failure(from.get(), file);
    if (++members > max_members) return Error{Errc::invalid, "the tar has too many members"};
    if (is_top(entry)) {
      CUBE_CHECK(set_top(entry, folder));
      continue;
    }
    CUBE_CHECK(redirect(entry, folder));
    const std::string name = archive_entry_pathname(entry);
    if (archive_write_header(to.get(), entry) != ARCHIVE_OK) return archive_failure(to.get(), name);
    CUBE_CHECK(copy_content(from.get(), to.get(), total, name));
    if (archive_write_finish_entry(to.get()) != ARCHIVE_OK) return archive_failure(to.get(), name);
  }
}

}  // namespace cube
