// UefiFirmware: plays the boot manager of a UEFI firmware (as EDK2 does it) on an appliance laid
// out in a folder, with its own laxness: it starts whatever BootNext names, active or not, deletes
// BootNext first, goes on with what cannot be loaded, and adds an option of its own for the disk,
// which starts EFI/BOOT/BOOTX64.EFI if that is a program. The real one is in tests/machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "boot/efi/load_option.h"
#include "tests/support/efi_machine.h"

namespace cube {

class UefiFirmware {
 public:
  explicit UefiFirmware(std::string folder) : folder_(std::move(folder)) {}

  // Partition, variables and two slots, each with an EFI stub: an entry for the fallback, and two
  // of others; the removable path starts the fallback, too.
  void install(SlotId fallback);
  // One start of the machine, as GrubLoader::start(). An exception if nothing can be started.
  Started start();
  // As after a flat battery or an update of the firmware: no variable is left.
  void lose_variables();

  [[nodiscard]] std::string esp() const { return folder_ + "/boot/efi"; }
  [[nodiscard]] std::string removable() const { return esp() + "/EFI/BOOT/BOOTX64.EFI"; }
  [[nodiscard]] std::string variable(const std::string& name) const;
  // The value; "" when it is not set, and "" removes it.
  [[nodiscard]] std::string get(const std::string& name) const;
  void set(const std::string& name, const std::string& value) const;
  [[nodiscard]] std::vector<std::uint16_t> numbers(const std::string& name) const;
  void set_numbers(const std::string& name, const std::vector<std::uint16_t>& numbers) const;
  // Of all boot options with that description, by number.
  [[nodiscard]] std::vector<std::uint16_t> named(const std::string& description) const;
  // "Boot0002"
  [[nodiscard]] static std::string name_of(std::uint16_t number);
  // An option of somebody else's, which this machine cannot start.
  void add_foreign(std::uint16_t number, const std::string& description) const;
  // The least that counts as an EFI stub.
  [[nodiscard]] static std::string stub();
  // What is in a section of a PE file; "" without one.
  [[nodiscard]] static std::string section(const std::string& program, const std::string& name);
  [[nodiscard]] const GptPartition& partition() const { return partition_; }

 private:
  void lay_out_disk();
  void add_disk_option() const;
  void put_unified_kernel(SlotId slot) const;
  [[nodiscard]] std::optional<std::string> load(const std::string& value) const;

  std::string folder_;
  GptPartition partition_{2, 2048, 98304, {}};
};

}  // namespace cube
