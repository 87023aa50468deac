// BootMenu: what the firmware may start, and in which order: Boot0000 to BootFFFF, BootOrder,
// BootNext and BootCurrent (UEFI specification 2.10, 3.3). All of it is foreign.
//
//   BootNext    once, before the order; the firmware deletes it before it starts anything
//   BootOrder   the first that exists, is active, of no category, and can be loaded
//
// Guarantees: those of EfiVariables; one call, one variable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/root_dir.h"
#include "boot/efi/efi_variables.h"

namespace cube {

struct BootOption {
  std::uint16_t number = 0;
  std::string value;  // "" where it cannot be read: too long
};

class BootMenu {
 public:
  // `root` outlives it.
  explicit BootMenu(const RootDir& root) : variables_(root, std::string(global_guid)) {}

  // Read once; the calls that write do not change it. Errors: cannot_arm, failed.
  struct Content {
    std::vector<BootOption> options;  // by number
    std::vector<std::uint16_t> order;
    bool order_is_damaged = false;  // then `order` is what can be read of it
    std::optional<std::uint16_t> next, current;
    bool next_is_damaged = false;

    // nullptr: there is none.
    [[nodiscard]] const BootOption* option(std::uint16_t number) const;
    // What the order starts with: the first that is there and, as far as can be told, is not passed
    // over.
    [[nodiscard]] const BootOption* first() const;
    // The lowest that is no option and stands in none of the other variables.
    [[nodiscard]] Result<std::uint16_t> free_number() const;
  };
  [[nodiscard]] Result<Content> read() const;

  // Before anything is written: room for an entry of so many bytes, BootNext and BootOrder.
  // Errors: cannot_arm, no_space, failed.
  [[nodiscard]] Status can_take(std::size_t entry_bytes, std::size_t order_length) const;
  // Errors: cannot_arm (mounted read-only), failed.
  [[nodiscard]] Status can_be_written() const { return variables_.can_take(0, 0); }
  Status write_option(std::uint16_t number, const std::string& value);
  Status remove_option(std::uint16_t number);
  Status write_order(const std::vector<std::uint16_t>& order);
  Status write_next(std::uint16_t number);
  Status remove_next();

 private:
  EfiVariables variables_;
};

}  // namespace cube
