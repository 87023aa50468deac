// GrubLoader: plays GRUB's turn (packaging/grub.d/cube.cfg) on the real files of an appliance laid
// out in a folder, with GRUB's own laxness: load_env looks at the header only and takes whatever
// variables it finds. tests/machine proves the real script; this one is for tests that need speed.
#pragma once

#include <map>
#include <string>

#include "tests/support/fake_boot_control.h"

namespace cube {

class GrubLoader {
 public:
  explicit GrubLoader(std::string folder) : folder_(std::move(folder)) {}

  // Fresh env blocks, as an image builder writes them.
  void install(SlotId fallback);
  // One start of the machine: chooses the slot, spends an offer, and lays out what the started kernel
  // would see: proc/cmdline, a new boot id, an uptime of a few seconds, run/ empty but for
  // run/cube-update/root, a link to the slot's folder.
  Started start();

  [[nodiscard]] std::string env_file() const { return folder_ + "/boot/efi/cube/env"; }
  [[nodiscard]] std::string good_file() const { return folder_ + "/boot/efi/cube/good"; }

 private:
  using Variables = std::map<std::string, std::string>;
  static Variables load(const std::string& file);
  void save(const Variables& changed) const;
  void lay_out(const Started& started, const std::string& canary);

  std::string folder_;
  int boots_ = 0;
};

}  // namespace cube
