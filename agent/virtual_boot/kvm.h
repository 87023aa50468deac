// Can this machine run a guest on its own processor? /dev/kvm alone proves nothing, nor does a
// virtual machine that the kernel makes and never runs right: the proof is a guest's first word.
#pragma once

#include <sys/types.h>

#include <optional>

#include "base/root_dir.h"

namespace cube {

struct Kvm {
  std::optional<gid_t> group;  // that may open the device; nullopt: anybody may
};

// nullopt: there is no KVM, it is another version than 12, or it makes no virtual machine.
[[nodiscard]] std::optional<Kvm> find_kvm(const RootDir& root);

}  // namespace cube
