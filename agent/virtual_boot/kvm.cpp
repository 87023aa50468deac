#include "agent/virtual_boot/kvm.h"

#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

namespace cube {

std::optional<Kvm> find_kvm(const RootDir& root) {
  const auto device = root.open_file("dev/kvm", O_RDWR);
  if (!device) return std::nullopt;
  if (::ioctl(device->get(), KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return std::nullopt;
  const Fd machine(::ioctl(device->get(), KVM_CREATE_VM, 0));
  if (!machine.valid()) return std::nullopt;
  struct stat st {};
  if (::fstat(device->get(), &st) != 0) return std::nullopt;
  constexpr mode_t both = 06;
  if ((st.st_mode & both) == both) return Kvm{};
  // QEMU runs as nobody with this group; root's own would be too much.
  const bool by_group = ((st.st_mode >> 3) & both) == both && st.st_gid != 0;
  return by_group ? std::optional(Kvm{st.st_gid}) : std::nullopt;
}

}  // namespace cube
