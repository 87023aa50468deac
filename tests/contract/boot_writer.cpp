// boot_writer ROOT arm|bless|reject SLOT: one call of GrubBootControl, for the crash sweep.
// Exits with 0, or with 11 when it cannot arm, or with 1.
#include <iostream>
#include <string>

#include "boot/grub/grub_boot_control.h"

int main(int count, char** argv) {
  using namespace cube;
  if (count != 4) return 2;
  const auto root = RootDir::open(argv[1]);
  const auto slot = parse_slot(argv[3]);
  if (!root || !slot) return 2;
  GrubBootControl control(*root);
  const std::string call = argv[2];
  const auto status = call == "arm"     ? control.arm(*slot, 3)
                      : call == "bless" ? control.bless(*slot)
                                        : control.reject(*slot);
  if (status) return 0;
  std::cerr << status.error().what << '\n';
  return status.error().code == Errc::cannot_arm ? 11 : 1;
}
