// crash_sweep: runs a whole program again and again and ends it at each of its calls that change a
// disk (tests/support/crash_shim.cpp), one call further each time.
//
// The program must make the same calls in each run when it has one thread; with more, a run may end
// before the chosen call: such runs are counted apart, and checked all the same.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/spawn.h"

namespace cube {

enum class CrashKind {
  kill,   // SIGKILL before the call
  torn,   // SIGKILL after half of a write; before any other call
  error,  // the call fails with CrashPoint::error_number, the program lives on
};

struct CrashPoint {
  std::uint64_t call = 0;  // from 1
  CrashKind kind = CrashKind::kill;
  int error_number = 0;

  [[nodiscard]] std::string text() const;  // "torn at call 7", for SCOPED_TRACE
};

struct CrashProgram {
  std::vector<std::string> argv;
  std::vector<std::string> environment;  // besides PATH and LC_ALL
  std::chrono::seconds timeout{60};
};

struct CrashPlan {
  CrashProgram program;
  std::function<void()> prepare;  // before each run: the same starting point
  std::function<void(const CrashPoint&, const SpawnOutcome&)> check;  // after each run
  std::vector<CrashPoint> kinds = {{0, CrashKind::kill, 0}, {0, CrashKind::torn, 0}};
  std::uint64_t stride = 1;  // every call, or each `stride`-th of a long program
};

struct SweepResult {
  std::uint64_t calls = 0;     // of one undisturbed run
  std::uint64_t reached = 0;   // runs in which the program was ended, or the error was given
  std::uint64_t finished = 0;  // runs that ended by themselves before the chosen call
};

// The undisturbed run must exit with 0. Errors: failed (its output is in the message), not_found.
Result<SweepResult> crash_sweep(const CrashPlan& plan);

// One run of the program, ended at `point`. Errors: not_found, failed.
Result<SpawnOutcome> run_to(const CrashProgram& program, const CrashPoint& point);

// The calls of one undisturbed run that change a disk. Errors: as crash_sweep.
Result<std::uint64_t> count_calls(const CrashProgram& program);

}  // namespace cube
