// Lists of a kernel's modules: modules.dep, and modules.builtin.modinfo, what drivers that are in
// the kernel itself say of themselves. Pure: no text is refused; what is no entry is passed over.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "insight/inventory/inventory.h"

namespace cube::insight {

struct ModuleFile {
  std::string file;  // below the kernel's folder, "kernel/drivers/scsi/sd_mod.ko.xz"
  Names needs;       // all modules that must be loaded before it
};
// modules.dep, by the kernel's names.
[[nodiscard]] std::map<std::string, ModuleFile> module_files(std::string_view list);

struct BuiltInAlias {
  std::string pattern;  // as fnmatch(3) has it, normalized
  std::string module;
};

// Entries "MODULE.alias=PATTERN", each with a zero byte behind.
[[nodiscard]] std::vector<BuiltInAlias> built_in_aliases(std::string_view modinfo);
// '-' written as '_' but for between brackets, so that what libkmod compares is compared here.
[[nodiscard]] std::string normalized(std::string_view alias);
// The same device of another maker, with other numbers: what names that, too, names a whole class.
// "" for what is no alias of a PCI device.
[[nodiscard]] std::string of_unknown_maker(std::string_view modalias);

}  // namespace cube::insight
