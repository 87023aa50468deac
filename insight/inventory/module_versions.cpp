#include "insight/inventory/module_versions.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>

#include "base/workers.h"
#include "insight/inventory/module_info.h"
#include "insight/inventory/tree_lists.h"

namespace cube::insight {
namespace {

constexpr unsigned max_threads = 4;

// Unlike a whole file: what is asked for, as far as it is there.
Result<std::string> read_at(const Fd& file, std::uint64_t at, std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t have = 0;
  while (have < count) {
    const auto n = TEMP_FAILURE_RETRY(
        ::pread(file.get(), bytes.data() + have, count - have, static_cast<off_t>(at + have)));
    if (n < 0) return system_error("read");
    if (n == 0) break;
    have += static_cast<std::size_t>(n);
  }
  bytes.resize(have);
  return bytes;
}

// "": it has none of its own.
Result<std::string> version_of(const RootDir& tree, const std::string& path,
                               const ExpandModule& expand) {
  CUBE_TRY(const auto section, modinfo_of_file(tree, path, expand));
  const auto versions = modinfo_values(section, "version");
  return versions.empty() ? std::string() : std::string(versions.front());
}

// Without the tree's own place, so that the same tree gives the same words.
std::string told(const std::string& path, const Error& error) {
  if (error.sys_errno != 0) return path + ": " + std::strerror(error.sys_errno);
  return error.what.starts_with(path) ? error.what : path + ": " + error.what;
}

}  // namespace

Result<std::string> modinfo_of_file(const RootDir& tree, const std::string& path,
                                    const ExpandModule& expand) {
  CUBE_TRY(const auto file, tree.open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode))
    return Error{Errc::corrupt, "is no regular file"};
  std::string expanded;
  const bool plain = path == without_compression(path);
  if (!plain) {
    if (!expand) return Error{Errc::corrupt, "is compressed"};
    CUBE_TRY(expanded, expand(file, path));
  }
  return modinfo_section([&](std::uint64_t at, std::size_t count) -> Result<std::string> {
    if (plain) return read_at(file, at, count);
    return at < expanded.size() ? expanded.substr(at, count) : std::string();
  });
}

Result<ModuleVersions> module_versions(const RootDir& tree, const std::vector<NamedModule>& files,
                                       const ExpandModule& expand) {
  ModuleVersions found;
  std::map<std::string, std::string> unreadable;  // by path: threads end in any order
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  const auto work = [&](StopFlag& stop) -> Status {
    for (auto i = next++; i < files.size() && !stop; i = next++) {
      const auto& [name, path] = files[i];
      const auto version = version_of(tree, path, expand);
      const bool is_modules_fault = version || version.error().code == Errc::invalid ||
                                    version.error().code == Errc::corrupt ||
                                    version.error().sys_errno != 0;
      if (!is_modules_fault) return version.error();
      const std::lock_guard lock(mutex);
      if (!version)
        unreadable.emplace(path, told(path, version.error()));
      else if (!version->empty())
        found.versions.emplace(name, *version);
    }
    return ok();
  };
  if (!files.empty()) CUBE_CHECK(run_workers(worker_count(max_threads), work, [] {}));
  for (auto& [path, why] : unreadable) found.unreadable.push_back(std::move(why));
  return found;
}

}  // namespace cube::insight
