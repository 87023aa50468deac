// Does a staged release understand the arguments that its kernel will be started with? Pure. What
// cannot be judged without doubt is passed over: the kernel, the initramfs and every service read
// arguments of their own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "insight/finding.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {

// One argument: "rd.lvm.lv=vg/root". The kernel's quotes are taken off.
struct Argument {
  std::string name, value;

  bool operator==(const Argument&) const = default;
};
// At most 1000 of them. What follows "--" is for init.
[[nodiscard]] std::vector<Argument> parse_arguments(std::string_view line);

// Whether `programs` below matter to it: "rd.lvm.lv=...".
[[nodiscard]] bool asks_for_programs(const Argument& argument);

struct ArgumentFacts {
  std::string line;  // what the kernel of the staged slot will be given
  // Modules of the running release, loadable ones: a name among them is a module's name.
  Names running_modules;
  // init= of the line: whether the staged tree has that program. nullopt: not looked at.
  std::optional<bool> has_init;
  std::string filesystem;  // of the staged slot: "ext4"; "" unknown
  // What lies between the slot and its disk: "lvm", "luks", "raid", "multipath". nullopt: not
  // known.
  std::optional<Names> layers;
  // Programs in the staged initramfs, without their folders. nullopt: not known.
  std::optional<Names> programs;
};

// "kernel-argument:init", "kernel-argument:rootfstype", "kernel-argument:rd.lvm",
// "kernel-argument:MODULE". One good finding, "kernel-argument:all", when nothing is wrong.
[[nodiscard]] Findings argument_findings(const ArgumentFacts& facts, const Inventory& staged);

}  // namespace cube::insight
