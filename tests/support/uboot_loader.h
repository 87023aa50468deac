// UbootLoader: plays U-Boot's turn on the two copies of an environment in a folder: it chooses the
// newer valid copy, counts with bootcount as CONFIG_BOOTCOUNT_ENV does, and runs what
// packaging/u-boot/cube.env has for bootcmd and altbootcmd. It reads and writes the copies by
// itself, not through libubootenv.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "tests/support/fake_boot_control.h"

namespace cube {

class UbootLoader {
 public:
  using Variables = std::map<std::string, std::string>;
  static constexpr std::size_t copy_bytes = 2048;

  explicit UbootLoader(std::string folder) : folder_(std::move(folder)) {}

  // The configuration, the defaults of packaging/u-boot, and two copies of them.
  void install(SlotId fallback);
  // One start of the machine, and what the started kernel would see.
  Started start();

  [[nodiscard]] std::string copy_file(int number) const {
    return folder_ + "/boot/uboot-" + std::to_string(number);
  }
  // nullopt: no valid copy.
  [[nodiscard]] std::optional<Variables> load() const;
  void save(const Variables& variables) const;

 private:
  void lay_out(const Started& started) const;

  std::string folder_;
};

}  // namespace cube
