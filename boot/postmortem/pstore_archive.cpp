#include "boot/postmortem/pstore_archive.h"

#include "base/digest.h"

namespace cube {
namespace {

constexpr const char* archive = "var/lib/systemd/pstore";
constexpr int max_depth = 3;
constexpr std::size_t max_visited = 4 * max_archived;

// The time of a record is that of the death, and the archive keeps it; a record that replaces
// another has an inode of its own.
std::string identity_of(const std::string& path, const struct stat& st) {
  const std::string text = path + '\n' + std::to_string(st.st_ino) + '\n' +
                           std::to_string(st.st_mtim.tv_sec) + '.' +
                           std::to_string(st.st_mtim.tv_nsec) + '\n' + std::to_string(st.st_size);
  return to_hex(sha256(text)).substr(0, 32);
}

class Visit {
 public:
  explicit Visit(const RootDir& root) : root_(root) {}

  Status folder(const std::string& path, int depth) {
    CUBE_TRY(const auto entries, root_.entries(path, max_visited));
    for (const auto& entry : entries) {
      if (++visited_ > max_visited) return too_many();
      const std::string place = path + "/" + entry.name;
      if (entry.type == DirEntry::Type::folder && depth < max_depth)
        CUBE_CHECK(folder(place, depth + 1));
      if (entry.type != DirEntry::Type::file || !entry.name.starts_with("dmesg-")) continue;
      if (records_.size() == max_archived) return too_many();
      CUBE_TRY(const auto st, root_.stat(place));
      records_.push_back({place, entry.name, identity_of(place, st)});
    }
    return ok();
  }

  std::vector<ArchivedRecord> records() { return std::move(records_); }

 private:
  [[nodiscard]] Status too_many() const {
    return Error{Errc::corrupt, root_.join(archive) + ": more records than are looked at"};
  }

  const RootDir& root_;
  std::vector<ArchivedRecord> records_;
  std::size_t visited_ = 0;
};

}  // namespace

Result<std::vector<ArchivedRecord>> archived_records(const RootDir& root) {
  Visit visit(root);
  CUBE_CHECK(visit.folder(archive, 1));
  return visit.records();
}

}  // namespace cube
