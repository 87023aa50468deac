// DriverCheck: holds one chain of devices against what a release has, and says what it found.
#pragma once

#include <map>
#include <string>

#include "insight/drivers/driver_supply.h"
#include "insight/finding.h"

namespace cube::insight {

// What would be lost without a device.
enum class Hangs { root, root_network, network, console, nothing };

// Findings in the order in which they came; of those with one id the worst counts, and tells how
// many more there are.
class FoundFindings {
 public:
  void add(Finding finding);
  [[nodiscard]] Findings take();

 private:
  struct Merged {
    Finding finding;
    std::size_t times = 1;
  };
  std::vector<Merged> found_;
  std::map<std::string, std::size_t> at_;  // by id
};

class DriverCheck {
 public:
  // All outlive it. `found` gets what it finds.
  DriverCheck(const ThisMachine& machine, const DriverSupply& supply, const DriverTree& running,
              FoundFindings& found)
      : machine_(machine), supply_(supply), running_(running), found_(found) {}

  void check(Hangs what, const Chain& chain);

 private:
  // False when something is missing or not known.
  bool check_device(Hangs what, const Device& device, const Driver& driver);
  void check_wishes(Hangs what, const Device& device, const std::string& module);
  void check_firmware(Hangs what, const Device& device, const std::string& module);
  [[nodiscard]] bool needed_early(Hangs what, const std::string& file) const;

  const ThisMachine& machine_;
  const DriverSupply& supply_;
  const DriverTree& running_;
  FoundFindings& found_;
};

}  // namespace cube::insight
