#include "agent/rooted_running_boot.h"

#include <charconv>

#include "agent/power/init_system.h"
#include "base/mutation.h"
#include "boot/cmdline.h"

namespace cube {
namespace {

// Who started the kernel, as the loader told it (x86): the high digit is the kind of the loader.
// Linux, Documentation/arch/x86/boot.rst, type_of_loader: D is kexec, F is none that is known.
constexpr const char* loader_file = "proc/sys/kernel/bootloader_type";
constexpr unsigned kexec_kind = 0xd, unknown_kind = 0xf;
// What a kernel leaves in the device tree for the one that it starts (arm64, riscv, powerpc).
constexpr const char* kexec_file = "proc/device-tree/chosen/linux,booted-from-kexec";

StartedBy kernel_started_by(const RootDir& root) {
  if (root.exists(kexec_file)) return StartedBy::kexec;
  const auto text = root.read_file(loader_file, 64);
  unsigned number = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), number);
  const unsigned kind = number >> 4;
  if (kind == kexec_kind) return StartedBy::kexec;
  return kind == 0 || kind == unknown_kind ? StartedBy::unknown : StartedBy::firmware;
}

StartedBy started_by(const RootDir& root) {
  if (mutated("kexec-counts-as-start")) return StartedBy::unknown;
  const auto kernel = kernel_started_by(root);
  if (kernel == StartedBy::kexec || root.path() != "/" || !systemd_runs()) return kernel;
  const auto count = soft_reboots();
  if (!count || !*count) return StartedBy::unknown;  // it may have been restarted, and not say so
  return **count > 0 ? StartedBy::soft_reboot : kernel;
}

}  // namespace

Result<BootFacts> RootedRunningBoot::facts() const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  CUBE_TRY(auto boot_id, root_.read_file("proc/sys/kernel/random/boot_id", 64));
  while (!boot_id.empty() && boot_id.back() == '\n') boot_id.pop_back();
  if (!started_by_) started_by_ = started_by(root_);
  return BootFacts{boot_id, cmdline.trial, *started_by_};
}

}  // namespace cube
