// LocalHealthGate: the health gate of one machine.
//
// Required are: every executable in usr/lib/cube-update/health/required.d and
// etc/cube-update/health/required.d ends with 0 (a file in etc replaces one of the same name; an
// empty file or a link to /dev/null masks it), and, where systemd is PID 1, no unit has failed but
// those in ignore_units. A check that is not executable, can be written by others, is not root's
// (when we are root), or overruns its time has failed. Works without network and D-Bus daemon.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/health/health_gate.h"
#include "base/root_dir.h"

namespace cube {

struct HealthConfig {
  std::chrono::seconds timeout{60};  // per executable
  std::vector<std::string> ignore_units;
};

class LocalHealthGate final : public HealthGate {
 public:
  // `root` outlives the gate.
  LocalHealthGate(const RootDir& root, HealthConfig config)
      : root_(root), config_(std::move(config)) {}
  Result<Verdict> check() override;

 private:
  [[nodiscard]] Result<std::vector<std::string>> required() const;
  [[nodiscard]] Check run(const std::string& path) const;
  [[nodiscard]] Check check_units() const;

  const RootDir& root_;
  HealthConfig config_;
};

}  // namespace cube
