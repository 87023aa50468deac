#include "tests/support/module_tree.h"

#include <elf.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <sstream>
#include <stdexcept>

#include "base/spawn.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

template <typename T>
std::string bytes_of(const T& value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

std::string symbol_of(const std::string& module) {
  return "made_by_" + module;
}

// What a module says of itself: "alias=pci:...", each with a zero byte behind.
std::string modinfo(const KernelModule& module, const std::string& before) {
  std::string text = before + "license=GPL" + '\0';
  for (const auto& alias : module.aliases) text += before + "alias=" + alias + '\0';
  for (const auto& file : module.firmware) text += before + "firmware=" + file + '\0';
  for (const auto& other : module.asks) text += before + "softdep=pre: " + other + '\0';
  return text;
}

// An object file with the sections that depmod looks at: it offers one symbol, and needs those of
// other modules.
class Elf {
 public:
  std::string made(const std::string& name, const KernelModule& module,
                   const std::set<std::string>& loadable) {
    section(".modinfo", SHT_PROGBITS, modinfo(module, ""));
    section("__ksymtab_strings", SHT_PROGBITS, symbol_of(name) + '\0');
    std::string symbols(sizeof(Elf64_Sym), '\0'), names(1, '\0');
    for (const auto& needed : module.needs) {
      if (loadable.count(needed) == 0) continue;
      Elf64_Sym symbol{};
      symbol.st_name = static_cast<Elf64_Word>(names.size());
      symbol.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_NOTYPE);
      symbols += bytes_of(symbol);
      names += symbol_of(needed) + '\0';
    }
    section(".symtab", SHT_SYMTAB, symbols, sizeof(Elf64_Sym));
    section(".strtab", SHT_STRTAB, names);
    names_ += std::string(".shstrtab") + '\0';
    section("", SHT_STRTAB, names_);
    headers_.back().sh_name = static_cast<Elf64_Word>(names_.find(".shstrtab"));
    return whole();
  }

 private:
  void section(const std::string& name, Elf64_Word type, const std::string& content,
               Elf64_Xword entry = 0) {
    Elf64_Shdr header{};
    header.sh_name = static_cast<Elf64_Word>(names_.size());
    if (!name.empty()) names_ += name + '\0';
    header.sh_type = type;
    header.sh_offset = sizeof(Elf64_Ehdr) + content_.size();
    header.sh_size = content.size();
    header.sh_entsize = entry;
    header.sh_addralign = 8;
    content_ += content + std::string((8 - content.size() % 8) % 8, '\0');
    headers_.push_back(header);
  }

  std::string whole() {
    Elf64_Ehdr start{};
    std::memcpy(start.e_ident, ELFMAG, SELFMAG);
    start.e_ident[EI_CLASS] = ELFCLASS64;
    start.e_ident[EI_DATA] = ELFDATA2LSB;
    start.e_ident[EI_VERSION] = EV_CURRENT;
    start.e_type = ET_REL;
    start.e_machine = EM_X86_64;
    start.e_version = EV_CURRENT;
    start.e_ehsize = sizeof(Elf64_Ehdr);
    start.e_shentsize = sizeof(Elf64_Shdr);
    start.e_shoff = sizeof(Elf64_Ehdr) + content_.size();
    start.e_shnum = static_cast<Elf64_Half>(headers_.size());
    start.e_shstrndx = static_cast<Elf64_Half>(headers_.size() - 1);
    std::string file = bytes_of(start) + content_;
    for (const auto& header : headers_) file += bytes_of(header);
    return file;
  }

  std::string content_, names_ = std::string(1, '\0');
  std::vector<Elf64_Shdr> headers_ = {Elf64_Shdr{}};
};

}  // namespace

KernelModules read_modules(const std::string& file) {
  KernelModules modules;
  std::istringstream lines(get(file));
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    std::string name, word;
    words >> name;
    auto& module = modules[name];
    words >> module.file;
    while (words >> word) {
      const auto equals = word.find('=');
      const auto key = word.substr(0, equals), value = word.substr(equals + 1);
      if (key == "needs")
        module.needs.push_back(value);
      else if (key == "asks")
        module.asks.push_back(value);
      else if (key == "alias")
        module.aliases.push_back(value);
      else if (key == "firmware")
        module.firmware.push_back(value);
      else
        throw std::runtime_error(file + ": no word of a module: " + word);
    }
  }
  if (modules.empty()) throw std::runtime_error(file + ": has no modules");
  return modules;
}

std::set<std::string> with_needs(const KernelModules& modules, const std::set<std::string>& names) {
  std::set<std::string> all;
  std::vector<std::string> waiting(names.begin(), names.end());
  while (!waiting.empty()) {
    const auto name = waiting.back();
    waiting.pop_back();
    if (!all.insert(name).second) continue;
    const auto& needs = modules.at(name).needs;
    waiting.insert(waiting.end(), needs.begin(), needs.end());
  }
  return all;
}

void ModuleTree::lay_out(const std::string& folder) const {
  const auto place = folder + "/lib/modules/" + kernel;
  std::set<std::string> loadable;
  for (const auto& [name, module] : modules) loadable.insert(name);
  for (const auto& [name, module] : modules)
    put(place + "/kernel/" + module.file, Elf().made(name, module, loadable));
  std::string list, said;
  for (const auto& [name, module] : built_in) {
    list += "kernel/" + module.file + "\n";
    said += modinfo(module, name + ".");
  }
  put(place + "/modules.builtin", list);
  if (lists_built_in_aliases)
    put(place + "/modules.builtin.modinfo", "ext4.license=GPL" + std::string(1, '\0') +
                                                "ext4.alias=fs-ext4" + std::string(1, '\0') + said);
  put(place + "/modules.order", "");
  for (const auto& file : firmware) put(folder + "/lib/firmware/" + file, file);
  depmod(folder, kernel);
  lay_out_boot(folder);
}

void ModuleTree::lay_out_boot(const std::string& folder) const {
  std::set<std::string> names;
  for (const auto& name : initramfs) {
    const auto found = modules.find(name);
    names.insert("usr/lib/modules/" + kernel + "/kernel/" +
                 (found == modules.end() ? name + ".ko" : found->second.file));
  }
  for (const auto& file : initramfs_firmware) names.insert("usr/lib/firmware/" + file);
  put(folder + "/boot/vmlinuz-" + kernel, "");
  put(folder + "/boot/initramfs-" + kernel + ".img", cpio_archive(names));
}

void depmod(const std::string& folder, const std::string& kernel) {
  const auto ran = spawn({"depmod", "-b", folder, kernel});
  if (!ran || ran->exit_code != 0)
    throw std::runtime_error("depmod: " + (ran ? ran->output : ran.error().what));
}

std::string cpio_archive(const std::set<std::string>& names) {
  std::string archive;
  const auto add = [&](const std::string& name, unsigned mode) {
    char header[111];
    std::snprintf(header, sizeof header,
                  "070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 0U, mode, 0U, 0U,
                  1U, 0U, 0U, 0U, 0U, 0U, 0U, static_cast<unsigned>(name.size() + 1), 0U);
    archive += header + name + '\0';
    archive.append((4 - archive.size() % 4) % 4, '\0');
  };
  for (const auto& name : names) add(name, 0100644);
  add("TRAILER!!!", 0);
  return archive;
}

}  // namespace cube
