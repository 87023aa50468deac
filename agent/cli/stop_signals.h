// StopSignals: while it lives, SIGINT, SIGTERM and SIGHUP no longer end the process but ask the run
// to stop at the next place where that is safe. A signal that was ignored when the program was
// started (nohup, a job in the background) stays ignored.
#pragma once

#include <signal.h>

#include <array>
#include <atomic>

namespace cube::cli {

class StopSignals {
 public:
  StopSignals();
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // True from the first such signal on. Lives as long as the program.
  [[nodiscard]] static const std::atomic<bool>& asked();

 private:
  std::array<struct sigaction, 3> before_{};
};

}  // namespace cube::cli
