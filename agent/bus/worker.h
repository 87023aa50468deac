// Worker: one run of cube-update beside the loop. A process of its own can be ended at any instant,
// and can neither hold the loop up nor take it down. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/bus/job_output.h"
#include "base/child.h"
#include "base/loop.h"

namespace cube {

class Worker {
 public:
  struct Order {
    std::vector<std::string> argv;  // argv[0]: a path
    Fd handed;                      // the child's descriptor 3; or none
    // After so long it is killed; nullopt: it ends by itself.
    std::optional<std::chrono::seconds> limit;
    std::function<void(const JobEvent&)> event;  // as it speaks
    // Once, last of all: exit code, and how often it was asked to stop.
    std::function<void(int code)> ended;
  };

  explicit Worker(Loop& loop) : loop_(loop) {}

  [[nodiscard]] bool busy() const { return run_ != nullptr; }
  // Errors: busy, failed (no process can be started).
  Status start(Order order);
  // Asks the run to end where that is safe; one that does not within `patience` is killed.
  void stop(std::chrono::seconds patience = std::chrono::seconds(60));

 private:
  struct Run;
  void read();
  void end(int code);

  Loop& loop_;
  std::shared_ptr<Run> run_;
};

}  // namespace cube
