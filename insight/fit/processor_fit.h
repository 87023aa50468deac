// Do the programs and the kernel of a staged release run on the processors of this machine? Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "insight/finding.h"
#include "insight/fit/elf_needs.h"
#include "insight/fit/kernel_image.h"
#include "insight/fit/processor.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

struct ProcessorFacts {
  std::string machine;  // of the running kernel, as `uname -m`
  Processor processor;  // of this machine

  // Of the staged tree: those without which nothing starts.
  struct Program {
    std::string path;  // "usr/sbin/init"
    Result<ElfNeeds> needs;
  };
  std::vector<Program> programs;
  std::string os_release;  // its text; "" without any
  Result<KernelImage> kernel = Error{Errc::not_found, "boot/vmlinuz was not looked at"};
};

// "cpu-level:machine" is what the kernel and programs are built for, "cpu-level:userland" the level
// of x86-64 that programs need, "cpu-level:kernel" what the kernel's options say of it.
[[nodiscard]] Findings cpu_level_findings(const ProcessorFacts& facts, const Inventory& staged);

struct MicrocodeFacts {
  Processor processor;
  // Whether the initramfs carries microcode for this vendor. nullopt: it could not be looked at.
  std::optional<bool> in_running, in_staged;
};
// "microcode:GenuineIntel"; a warning at most. Nothing for machines that have none to load, and for
// virtual ones.
[[nodiscard]] Findings microcode_findings(const MicrocodeFacts& facts);
// Where an initramfs has it: "kernel/x86/microcode/GenuineIntel.bin"; "" of other vendors.
[[nodiscard]] std::string microcode_member(const std::string& vendor);

}  // namespace cube::insight
