// boot_writer ROOT [sdboot-|uefi-]arm|bless|reject SLOT, or ROOT keep|set-aside ATTEMPT: one call
// of GrubBootControl, SystemdBootControl, UefiBootControl or PstorePostMortem, for the crash sweep.
// Exits with 0, or with 11 when it cannot arm, or with 1.
#include <iostream>
#include <string>

#include "boot/grub/grub_boot_control.h"
#include "boot/postmortem/pstore_post_mortem.h"
#include "boot/systemd_boot/systemd_boot_control.h"
#include "boot/uefi/uefi_boot_control.h"
#include "tests/support/efi_machine.h"

namespace cube {
namespace {

Status perform(BootControl& control, const std::string& call, const std::string& argument) {
  const auto slot = parse_slot(argument);
  if (!slot) return Error{Errc::invalid, "no such slot"};
  if (call == "arm") return control.arm(*slot, 3);
  if (call == "bless") return control.bless(*slot);
  if (call == "reject") return control.reject(*slot);
  return Error{Errc::invalid, "no such call"};
}

Status perform(const RootDir& root, const std::string& call, const std::string& argument) {
  constexpr std::string_view sdboot = "sdboot-", uefi = "uefi-";
  PstorePostMortem post_mortem(root, "var/lib/cube-update");
  if (call == "keep") return post_mortem.keep(std::stoul(argument));
  if (call == "set-aside") return post_mortem.set_aside();
  GrubBootControl grub(root, {});
  const FolderKernels kernels(root);
  SystemdBootControl systemd_boot(root, kernels, {});
  UefiBootControl firmware(root, kernels, {});
  if (call.starts_with(sdboot)) return perform(systemd_boot, call.substr(sdboot.size()), argument);
  if (call.starts_with(uefi)) return perform(firmware, call.substr(uefi.size()), argument);
  return perform(grub, call, argument);
}

}  // namespace
}  // namespace cube

int main(int count, char** argv) {
  if (count != 4) return 2;
  const auto root = cube::RootDir::open(argv[1]);
  if (!root) return 2;
  const auto status = cube::perform(*root, argv[2], argv[3]);
  if (status) return 0;
  std::cerr << status.error().what << '\n';
  return status.error().code == cube::Errc::cannot_arm ? 11 : 1;
}
