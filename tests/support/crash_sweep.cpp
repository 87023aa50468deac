#include "tests/support/crash_sweep.h"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <stdexcept>

#include "base/spawn.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

constexpr std::chrono::seconds longest{60};

Counted run(const std::vector<std::string>& argv, std::vector<std::string> environment,
            const std::string& on) {
  const ScratchDir scratch;
  const std::string file = scratch.path() + "/calls";
  std::uint64_t calls = 0;
  std::ofstream(file, std::ios::binary).write(reinterpret_cast<const char*>(&calls), sizeof calls);
  environment.push_back("LD_PRELOAD=" CUBE_CRASH_SHIM);
  environment.push_back("CUBE_CRASH_COUNT=" + file);
  if (!on.empty()) environment.push_back("CUBE_CRASH_ON=" + on);
  environment.push_back("ASAN_OPTIONS=verify_asan_link_order=0");
  if (const char* broken = ::getenv("CUBE_MUTATION"))  // a broken build is broken in here too
    environment.push_back(std::string("CUBE_MUTATION=") + broken);
  const auto outcome = spawn(argv, {.timeout = longest, .environment = std::move(environment)});
  if (!outcome) throw std::runtime_error(outcome.error().what);
  if (outcome->timed_out) throw std::runtime_error(argv[0] + " did not end: " + outcome->output);
  std::ifstream(file, std::ios::binary).read(reinterpret_cast<char*>(&calls), sizeof calls);
  return {outcome->exit_code, static_cast<int>(calls), outcome->output};
}

int errno_of(Crash crash) {
  switch (crash) {
    case Crash::kill:
    case Crash::torn:
      return 0;
    case Crash::no_space:
    case Crash::disk_full:
      return ENOSPC;
    case Crash::io_error:
    case Crash::disk_dies:
      return EIO;
    case Crash::read_only:
      return EROFS;
  }
  return 0;
}

}  // namespace

Counted count_calls(const std::vector<std::string>& argv, std::vector<std::string> environment,
                    const std::string& on) {
  return run(argv, std::move(environment), on);
}

Counted run_with_crash(const std::vector<std::string>& argv, int n, Crash crash,
                       std::vector<std::string> environment, const std::string& on) {
  environment.push_back("CUBE_CRASH_AT=" + std::to_string(n));
  if (crash == Crash::torn) environment.emplace_back("CUBE_CRASH_TORN=1");
  if (const int error = errno_of(crash))
    environment.push_back("CUBE_CRASH_ERRNO=" + std::to_string(error));
  if (crash == Crash::disk_full || crash == Crash::disk_dies)
    environment.emplace_back("CUBE_CRASH_LASTS=1");
  return run(argv, std::move(environment), on);
}

}  // namespace cube
