// GrubLoader: GRUB's turn, played on the real files of an appliance laid out in a folder.
//
// As lax as GRUB: load_env looks at the header only, the last of two equal names wins, a value is
// whatever stands there; save_env replaces values inside the block that it read and writes it back
// in place. What the script makes of the values is docs/decisions/0002-grub-environment.md.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "model/slot_id.h"
#include "tests/support/fake_boot_control.h"

namespace cube {

class GrubLoader {
 public:
  explicit GrubLoader(std::string root);

  // Writes fresh blocks, as the installer of an appliance does.
  void install(SlotId fallback);

  // One power-on: decides, spends an offer, and leaves proc/cmdline and a new
  // proc/sys/kernel/random/boot_id for the kernel that it starts.
  Started start();

  // The next save_env calls fail, as on a disk that the firmware cannot write.
  void fail_saves(bool fail) { saves_fail_ = fail; }

  [[nodiscard]] std::string env_path() const { return root_ + "/boot/efi/cube/env"; }
  [[nodiscard]] std::string good_path() const { return root_ + "/boot/efi/cube/good"; }
  [[nodiscard]] std::string cmdline_path() const { return root_ + "/proc/cmdline"; }

 private:
  using Variables = std::map<std::string, std::string>;
  [[nodiscard]] static std::optional<Variables> load_env(const std::string& path);
  [[nodiscard]] bool save_env(const Variables& values) const;
  void hand_over(const Started& started, const std::string& canary) const;

  std::string root_;
  bool saves_fail_ = false;
};

}  // namespace cube
