// SlotBases: the files of the slots' repositories as what deltas are made against.
#pragma once

#include <string>
#include <vector>

#include "base/fd.h"
#include "slots/pack/base_objects.h"

namespace cube {

class SlotBases final : public BaseObjects {
 public:
  // `repositories`: paths of bare ones; the first that has a file of the right size gives it.
  explicit SlotBases(std::vector<std::string> repositories)
      : repositories_(std::move(repositories)) {}

  Status read(const Sha256& name, std::uint64_t size, std::uint64_t offset, std::size_t length,
              std::string& bytes) override;

 private:
  Status open(const Sha256& name, std::uint64_t size);

  std::vector<std::string> repositories_;
  Sha256 name_{};  // of the file that is open: chunks ask for one file many times
  Fd file_;
};

}  // namespace cube
