// LocalHealthGate: the health gate of one machine.
//
// Required are: every executable of health/required.d (agent/hooks/hook_folder.h) ends with 0; and,
// where systemd is PID 1: no unit has failed but those in ignore_units, those in required_units are
// active, and boot-complete.target is reached. health/wanted.d and wanted_units are asked and told.
// Works without network and D-Bus daemon.
#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/health/health_gate.h"
#include "agent/hooks/hook_folder.h"
#include "base/root_dir.h"

namespace cube {

struct HealthConfig {
  std::chrono::seconds timeout{60};  // per executable
  std::vector<std::string> ignore_units;
  std::vector<std::string> required_units;
  std::vector<std::string> wanted_units;
  bool boot_complete = true;
  int retries = 5;  // of what fails
  std::chrono::seconds retry_interval{10};
  std::chrono::seconds within{900};  // for all of it, where the question does not say
  // Whether what runs is still what its release brought: told, and decides nothing. It ends once
  // the argument is true. Null: not asked.
  std::function<Check(const std::atomic<bool>& stop)> drift;
};

class LocalHealthGate final : public HealthGate {
 public:
  // `root` outlives the gate. Verdicts are kept in `folder` below it.
  LocalHealthGate(const RootDir& root, HealthConfig config, std::string folder)
      : root_(root), config_(std::move(config)), folder_(std::move(folder)) {}
  Result<Verdict> check(const HealthQuestion& question) override;
  Status keep(std::uint64_t attempt, const Verdict& verdict) override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Executable {
    Hook hook;
    Check check;
  };
  [[nodiscard]] Result<std::vector<Executable>> executables() const;
  // Asks this one, if it decides something that is not yet known.
  void ask(Executable& executable, Time end, const HealthQuestion& question) const;
  [[nodiscard]] Verdict judge(const std::vector<Executable>& executables,
                              const HealthQuestion& question) const;
  [[nodiscard]] Check drift(Time end, const HealthQuestion& question) const;
  // False: there is no time for another round, or nobody wants it.
  [[nodiscard]] bool wait(Time end, const HealthQuestion& question) const;

  const RootDir& root_;
  HealthConfig config_;
  std::string folder_;
};

}  // namespace cube
