// Power: counts instants at which the power may fail, and fails it at the chosen ones.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

namespace cube {

struct PowerCut {};  // thrown through the program, as a real one would end it

class Power {
 public:
  // `cuts[i]`: the i-th cut comes at that instant, counted from 1 after the cut before.
  explicit Power(std::vector<int> cuts = {}) : cuts_(std::move(cuts)) {}

  // One instant passes.
  void instant() {
    ++since_cut_;
    if (next_ < cuts_.size() && since_cut_ == cuts_[next_]) {
      ++next_;
      since_cut_ = 0;
      throw PowerCut{};
    }
  }

  [[nodiscard]] std::size_t cuts_made() const { return next_; }
  [[nodiscard]] int instants_since_cut() const { return since_cut_; }

 private:
  std::vector<int> cuts_;
  std::size_t next_ = 0;
  int since_cut_ = 0;
};

}  // namespace cube
