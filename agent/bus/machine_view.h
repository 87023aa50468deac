// MachineView: what is known of the machine, asked of `cube-update status` when somebody wants to
// know and what is known is older than a second. However many ask, one run answers them all, and
// one runs at a time. Not thread-safe.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "agent/bus/facts.h"
#include "agent/bus/worker.h"

namespace cube {

class MachineView {
 public:
  // `argv`: cube-update status --json. `changed`: known facts are others than before.
  MachineView(Loop& loop, std::vector<std::string> argv,
              std::function<void(const Facts& before)> changed)
      : argv_(std::move(argv)), changed_(std::move(changed)), worker_(loop) {}

  [[nodiscard]] const Facts& facts() const { return facts_; }
  // Not older than a second, and nothing was done since.
  [[nodiscard]] bool fresh() const;
  [[nodiscard]] bool busy() const { return worker_.busy(); }

  // Something was done: what is known is old.
  void outdate();
  // `then` is called once the facts are those of now or later. A run that has begun before does
  // not count.
  void when_fresh(std::function<void()> then);
  // What a job says of itself while it works.
  void set_phase(const std::string& phase);

 private:
  using Time = std::chrono::steady_clock::time_point;
  void look();
  void take(Facts facts);

  std::vector<std::string> argv_;
  std::function<void(const Facts&)> changed_;
  Worker worker_;
  Facts facts_;
  bool known_ = false;
  bool outdated_ = true;
  Time as_of_{};
  std::vector<std::function<void()>> asked_;    // for the run that is under way
  std::vector<std::function<void()>> waiting_;  // for the next
  Facts found_;
};

}  // namespace cube
