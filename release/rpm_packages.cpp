#include "release/rpm_packages.h"

#include <fcntl.h>
#include <rpm/header.h>
#include <rpm/rpmdb.h>
#include <rpm/rpmlog.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmts.h>
#include <stdlib.h>

#include <filesystem>
#include <memory>

#include "base/io.h"
#include "insight/inventory/tree_lists.h"

namespace cube {
namespace {

constexpr std::uint64_t max_database_bytes = 2ULL * 1024 * 1024 * 1024;
constexpr std::size_t copied_at_once = 1024 * 1024;

// What the database of each kind consists of, and rpm's name for the kind.
struct Kind {
  const char* backend;
  std::vector<std::string> files;  // the first must be there
};
const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{{"sqlite", {"rpmdb.sqlite", "rpmdb.sqlite-wal"}},
                                     {"ndb", {"Packages.db", "Index.db"}},
                                     {"bdb_ro", {"Packages"}}};
  return all;
}

// A private folder that is removed at the end.
struct Folder {
  explicit Folder(const std::string& scratch) : path(scratch + "/rpm-XXXXXX") {
    if (::mkdtemp(path.data()) == nullptr) path.clear();
  }
  ~Folder() {
    std::error_code ignored;
    if (!path.empty()) std::filesystem::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  std::string path;
};

Status copy_file(const RootDir& from, const std::string& name, const std::string& folder,
                 std::uint64_t& left) {
  const auto opened = from.open_file(name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!opened) return Error{Errc::corrupt, name + ": " + std::strerror(opened.error().sys_errno)};
  const Fd& source = *opened;
  struct stat st {};
  if (::fstat(source.get(), &st) != 0) return system_error("stat " + name);
  const auto size = static_cast<std::uint64_t>(st.st_size);
  if (!S_ISREG(st.st_mode) || size > left)
    return Error{Errc::corrupt, name + ": is no regular file, or too large"};
  left -= size;
  const Fd target(
      ::open((folder + "/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!target.valid()) return system_error("copy " + name);
  std::string bytes;
  for (std::uint64_t at = 0; at < size; at += bytes.size()) {
    bytes.clear();
    CUBE_CHECK(read_at(source, at, std::min<std::uint64_t>(copied_at_once, size - at), bytes));
    CUBE_CHECK(write_all(target, bytes));
  }
  return ok();
}

// Copies the first kind that is there.
Result<const Kind*> copy_database(const RootDir& database, const std::string& folder) {
  for (const auto& kind : kinds()) {
    if (const auto st = database.stat(kind.files[0]); !st && st.error().code == Errc::not_found)
      continue;
    auto left = max_database_bytes;
    for (const auto& name : kind.files)
      if (database.exists(name)) CUBE_CHECK(copy_file(database, name, folder, left));
    return &kind;
  }
  return Error{Errc::corrupt, "no database of rpm"};
}

// For as long as it lives, librpm looks there and says nothing.
struct Settings {
  Settings(const std::string& folder, const char* backend) {
    const auto lock = folder + "/lock";
    rpmPushMacro(nullptr, "_rpmlock_path", nullptr, lock.c_str(), RMIL_CMDLINE);
    rpmPushMacro(nullptr, "_dbpath", nullptr, folder.c_str(), RMIL_CMDLINE);
    rpmPushMacro(nullptr, "_db_backend", nullptr, backend, RMIL_CMDLINE);
    rpmlogSetMask(RPMLOG_UPTO(RPMLOG_EMERG));
  }
  ~Settings() {
    rpmPopMacro(nullptr, "_db_backend");
    rpmPopMacro(nullptr, "_dbpath");
    rpmPopMacro(nullptr, "_rpmlock_path");
  }
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;
};

std::string text(Header header, rpmTag tag) {
  const char* value = headerGetString(header, tag);
  return value == nullptr ? "" : value;
}

Result<insight::Entries> read_packages() {
  const std::unique_ptr<rpmts_s, rpmts (*)(rpmts)> set(rpmtsCreate(), rpmtsFree);
  rpmtsSetVSFlags(set.get(), rpmVSFlags(RPMVSF_MASK_NOSIGNATURES | RPMVSF_MASK_NODIGESTS));
  // A list from a damaged one would just end early.
  if (rpmtsVerifyDB(set.get()) != 0) return Error{Errc::corrupt, "rpm's database is damaged"};
  if (rpmtsOpenDB(set.get(), O_RDONLY) != 0)
    return Error{Errc::corrupt, "rpm's database cannot be opened"};
  const std::unique_ptr<rpmdbMatchIterator_s, rpmdbMatchIterator (*)(rpmdbMatchIterator)> all(
      rpmtsInitIterator(set.get(), RPMDBI_PACKAGES, nullptr, 0), rpmdbFreeIterator);
  insight::Entries packages;
  if (!all) return packages;
  while (Header header = rpmdbNextIterator(all.get())) {
    const auto architecture = text(header, RPMTAG_ARCH);
    const auto name = text(header, RPMTAG_NAME) + (architecture.empty() ? "" : "." + architecture);
    const auto epoch = headerGetNumber(header, RPMTAG_EPOCH);
    insight::add_version(packages, name,
                         (epoch != 0 ? std::to_string(epoch) + ":" : "") +
                             text(header, RPMTAG_VERSION) + "-" + text(header, RPMTAG_RELEASE));
  }
  return packages;
}

}  // namespace

Result<insight::Entries> rpm_packages(const RootDir& database, const std::string& scratch) {
  const Folder folder(scratch);
  if (folder.path.empty()) return system_error("temporary folder in " + scratch);
  CUBE_TRY(const auto* kind, copy_database(database, folder.path));
  const Settings settings(folder.path, kind->backend);
  return read_packages();
}

}  // namespace cube
