#include "tests/contract/boot_control_contract.h"

#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "boot/grub/grub_boot_control.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

// The suite makes ten thousand fsyncs and none of its sentences is about a disk: memory, if we may.
[[maybe_unused]] const bool in_memory =
    ::access("/dev/shm", W_OK) == 0 && ::setenv("TMPDIR", "/dev/shm", 0) == 0;

class FakeMachine {
 public:
  BootControl& control() { return control_; }
  Started start() { return control_.start(); }
  void damage() { control_.damage(); }

 private:
  FakeBootControl control_;
};

class GrubMachine {
 public:
  GrubMachine() : loader_(dir_.path()), root_(dir_.root()), control_(root_) {
    loader_.install(SlotId::a);
    loader_.start();
  }
  BootControl& control() { return control_; }
  Started start() { return loader_.start(); }
  void damage() { std::ofstream(loader_.env_path()) << std::string(1024, '\0'); }

 private:
  ScratchDir dir_;
  GrubLoader loader_;
  RootDir root_;
  GrubBootControl control_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Fake, BootControlContract, FakeMachine);
INSTANTIATE_TYPED_TEST_SUITE_P(Grub, BootControlContract, GrubMachine);

}  // namespace
}  // namespace cube
