#include "tests/support/crash_sweep.h"

#include <cstring>
#include <fstream>

#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

constexpr int killed = 128 + 9;

Result<SpawnOutcome> run(const CrashProgram& program, const std::vector<std::string>& shim) {
  SpawnOptions options;
  options.timeout = program.timeout;
  for (const auto& variable : program.environment) options.environment.push_back(variable);
  options.environment.push_back(std::string("LD_PRELOAD=") + CUBE_CRASH_SHIM);
  // A sanitized program wants its runtime first; the shim is content with any order.
  options.environment.push_back("ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0");
  for (const auto& variable : shim) options.environment.push_back(variable);
  return spawn(program.argv, options);
}

std::uint64_t total_in(const std::string& path) {
  std::uint64_t total = 0;
  char bytes[sizeof(total)] = {};
  std::ifstream(path, std::ios::binary).read(bytes, sizeof(bytes));
  std::memcpy(&total, bytes, sizeof(total));
  return total;
}

std::vector<std::string> variables_for(const CrashPoint& point) {
  std::vector<std::string> variables = {"CUBE_CRASH_AT=" + std::to_string(point.call)};
  if (point.kind == CrashKind::torn) variables.emplace_back("CUBE_CRASH_TORN=1");
  if (point.kind == CrashKind::error)
    variables.push_back("CUBE_CRASH_ERRNO=" + std::to_string(point.error_number));
  return variables;
}

}  // namespace

std::string CrashPoint::text() const {
  const std::string at = " at call " + std::to_string(call);
  if (kind == CrashKind::kill) return "killed" + at;
  if (kind == CrashKind::torn) return "torn" + at;
  return std::string(std::strerror(error_number)) + at;
}

Result<SpawnOutcome> run_to(const CrashProgram& program, const CrashPoint& point) {
  return run(program, variables_for(point));
}

Result<std::uint64_t> count_calls(const CrashProgram& program) {
  const ScratchDir dir;
  const std::string file = dir.path() + "/total";
  CUBE_TRY(const auto outcome, run(program, {"CUBE_CRASH_COUNT=" + file}));
  if (outcome.timed_out || outcome.exit_code != 0)
    return Error{Errc::failed, "the undisturbed run of " + program.argv.front() + " exits with " +
                                   std::to_string(outcome.exit_code) + ": " + outcome.output};
  return total_in(file);
}

Result<SweepResult> crash_sweep(const CrashPlan& plan) {
  SweepResult result;
  plan.prepare();
  CUBE_TRY(result.calls, count_calls(plan.program));
  for (CrashPoint point : plan.kinds)
    for (point.call = 1; point.call <= result.calls; point.call += plan.stride) {
      plan.prepare();
      const ScratchDir dir;
      const std::string file = dir.path() + "/total";
      auto variables = variables_for(point);
      variables.push_back("CUBE_CRASH_COUNT=" + file);
      CUBE_TRY(const auto outcome, run(plan.program, variables));
      const bool reached = point.kind == CrashKind::error ? total_in(file) >= point.call
                                                          : outcome.exit_code == killed;
      ++(reached ? result.reached : result.finished);
      plan.check(point, outcome);
    }
  return result;
}

}  // namespace cube
