#include "base/cgroup.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include <atomic>
#include <charconv>
#include <memory>
#include <sstream>
#include <vector>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_proc_bytes = 1024 * 1024;
constexpr std::string_view prefix = "cube-update-";
constexpr int waits = 500;  // of 10 ms each, for what was killed
constexpr unsigned wait_us = 10'000;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

Result<std::string> text_of(const std::string& path) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return system_error("open " + path);
  return read_all(fd, max_proc_bytes);
}

// Where the one hierarchy of version 2 is mounted: mountinfo has "... MOUNTPOINT ... - cgroup2
// ...".
Result<std::string> mount_point() {
  CUBE_TRY(const auto text, text_of("/proc/self/mountinfo"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::istringstream words(line);
    std::string id, parent, device, root, place;
    words >> id >> parent >> device >> root >> place;
    if (root == "/" && place.find('\\') == std::string::npos) return place;
  }
  return Error{Errc::not_found, "no cgroups of version 2 are mounted"};
}

// The folder of the group that this process is in.
Result<std::string> own_folder() {
  CUBE_TRY(const auto place, mount_point());
  CUBE_TRY(const auto text, text_of("/proc/self/cgroup"));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with("0::/")) continue;
    const std::string path = line.substr(3);
    if (path.starts_with("/..") || path.find(" (deleted)") != std::string::npos) break;
    return path == "/" ? place : place + path;
  }
  return Error{Errc::not_found, "this process is in no cgroup of version 2"};
}

pid_t maker_of(std::string_view name) {
  name.remove_prefix(prefix.size());
  pid_t pid = 0;
  std::from_chars(name.data(), name.data() + name.size(), pid);
  return pid;
}

// What killed processes of this program left. One that is not empty cannot be removed.
void tidy(const std::string& folder) {
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(folder.c_str()));
  if (dir == nullptr) return;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string_view name = entry->d_name;
    if (!name.starts_with(prefix)) continue;
    const pid_t maker = maker_of(name);
    if (maker > 0 && ::kill(maker, 0) != 0 && errno == ESRCH)
      ::rmdir((folder + "/" + std::string(name)).c_str());
  }
}

std::vector<pid_t> processes_in(const std::string& folder) {
  std::vector<pid_t> all;
  const auto text = text_of(folder + "/cgroup.procs");
  if (!text) return all;
  std::istringstream numbers(*text);
  for (pid_t pid = 0; numbers >> pid;)
    if (pid > 0) all.push_back(pid);
  return all;
}

}  // namespace

Result<Cgroup> Cgroup::make() {
  static std::atomic<unsigned> made{0};
  if (mutated("grandchildren-left"))
    return Error{Errc::not_found, "no cgroups of version 2 are mounted"};
  CUBE_TRY(const auto own, own_folder());
  tidy(own);
  const std::string folder =
      own + "/" + std::string(prefix) + std::to_string(::getpid()) + "-" + std::to_string(++made);
  if (::mkdir(folder.c_str(), 0755) != 0) return system_error("make cgroup " + folder);
  Fd joining(::open((folder + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  if (!joining.valid()) {
    auto error = system_error("open cgroup " + folder);
    ::rmdir(folder.c_str());
    return error;
  }
  return Cgroup(folder, std::move(joining));
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : folder_(std::exchange(other.folder_, "")), joining_(std::move(other.joining_)) {}

Cgroup::~Cgroup() {
  if (folder_.empty()) return;
  kill_all();
  ::rmdir(folder_.c_str());
}

bool Cgroup::kill_all() const {
  for (int round = 0; round < waits; ++round) {
    const auto left = processes_in(folder_);
    if (left.empty()) return true;
    const Fd killer(::open((folder_ + "/cgroup.kill").c_str(), O_WRONLY | O_CLOEXEC));
    // Kernels before 5.14 have no such file. What is started in between is found the next time.
    if (!killer.valid() || !write_all(killer, "1"))
      for (const pid_t pid : left) ::kill(pid, SIGKILL);
    ::usleep(wait_us);
  }
  return processes_in(folder_).empty();
}

}  // namespace cube
