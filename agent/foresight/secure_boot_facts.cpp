#include "agent/foresight/secure_boot_facts.h"

#include "boot/efi/efi_variables.h"
#include "boot/efi/kernel_files.h"
#include "boot/efi/load_option.h"
#include "boot/efi/pe_layout.h"
#include "boot/uefi/boot_menu.h"
#include "insight/fit/sbat.h"
#include "insight/fit/signature_lists.h"

namespace cube {
namespace {

using insight::BootProgram;
using insight::SecureBootFacts;
using Chain = BootProgram::Chain;

// UEFI specification 2.10, 32.6.1 (db, dbx); shim, include/guid.h.
constexpr const char* database_guid = "d719b2cb-3d3a-4596-a3bc-dad00e67656f";
constexpr const char* shim_guid = "605dab50-e046-4300-abb6-3dd810dd8b23";
constexpr const char* kernel_file = "boot/vmlinuz";
constexpr std::size_t max_folders = 100;  // in EFI/ of a partition

// "" where there is none.
Result<std::string> value_of(const RootDir& machine, const char* guid, const char* name,
                             std::size_t max) {
  CUBE_TRY(auto value, EfiVariables(machine, guid).read(name, max));
  return value ? *std::move(value) : std::string();
}

Result<BootProgram::Content> content_of(const RootDir& tree, const std::string& path) {
  CUBE_TRY(const auto file, open_kernel_file(tree, path));
  CUBE_TRY(const auto layout, read_pe_layout(file));
  BootProgram::Content content;
  CUBE_TRY(const auto digest, authenticode_digest(file, layout));
  content.sha256 = to_hex(digest);
  CUBE_TRY(content.signatures, read_pe_certificates(file, layout));
  CUBE_TRY(content.sbat, read_pe_section(file, layout, ".sbat", insight::max_sbat_bytes));
  CUBE_TRY(content.sbat_level,
           read_pe_section(file, layout, ".sbatlevel", insight::max_sbat_bytes));
  return content;
}

class Programs {
 public:
  explicit Programs(const BootTrees& trees) : trees_(trees) {}

  std::vector<BootProgram> run() {
    on_partition();
    add(trees_.running, kernel_file,
        "slot-" + std::string(to_string(other(trees_.slot))) + "/" + kernel_file, Chain::running);
    add(trees_.staged, kernel_file, staged_name(kernel_file), Chain::staged);
    in_release();
    return std::move(found_);
  }

 private:
  [[nodiscard]] std::string staged_name(const std::string& path) const {
    return "slot-" + std::string(to_string(trees_.slot)) + "/" + path;
  }

  void add(const RootDir& tree, const std::string& path, const std::string& name, Chain chain) {
    found_.push_back({name, chain, content_of(tree, path)});
  }

  // What the firmware started this time: BootCurrent's file, or the removable path.
  [[nodiscard]] std::string started() const {
    const auto menu = BootMenu(trees_.machine).read();
    const auto* option = menu && menu->current ? menu->option(*menu->current) : nullptr;
    if (option != nullptr)
      if (const auto parsed = parse_load_option(option->value))
        if (auto file = file_of_path(parsed->path); !file.empty()) return file;
    return "EFI/BOOT/BOOTX64.EFI";
  }

  // And where that is shim, the loader that it starts from its own folder.
  void on_partition() {
    const auto file = started();
    add(trees_.machine, trees_.esp + "/" + file, "esp/" + file, Chain::both);
    const auto& content = found_.back().content;
    if (!content || content->sbat_level.empty()) return;
    const auto folder = file.substr(0, file.find_last_of('/') + 1);
    for (const char* loader : {"grubx64.efi", "grubaa64.efi"})
      if (trees_.machine.exists(trees_.esp + "/" + folder + loader))
        add(trees_.machine, trees_.esp + "/" + folder + loader, "esp/" + folder + loader,
            Chain::both);
  }

  // Where Debian's and Enterprise Linux' packages put shim and GRUB.
  void in_release() {
    std::vector<std::string> places = {"usr/lib/shim/shimx64.efi.signed",
                                       "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"};
    const auto folders = trees_.staged.list("boot/efi/EFI", max_folders);
    for (const auto& folder : folders ? *folders : std::vector<std::string>{})
      for (const char* name : {"shimx64.efi", "grubx64.efi"})
        places.push_back("boot/efi/EFI/" + folder + "/" + name);
    for (const auto& place : places)
      if (trees_.staged.exists(place))
        add(trees_.staged, place, staged_name(place), Chain::offered);
  }

  const BootTrees& trees_;
  std::vector<BootProgram> found_;
};

Result<bool> is_on(const RootDir& machine) {
  CUBE_CHECK(EfiVariables(machine, std::string(global_guid)).reachable());
  const auto value = value_of(machine, std::string(global_guid).c_str(), "SecureBoot", 16);
  if (!value) return value.error();
  return *value == "\x01";
}

}  // namespace

SecureBootFacts secure_boot_facts(const BootTrees& trees) {
  const RootDir& machine = trees.machine;
  SecureBootFacts facts;
  facts.uefi = machine.exists("sys/firmware/efi");
  if (!facts.uefi) return facts;
  facts.on = is_on(machine);
  if (!facts.on || !*facts.on) return facts;
  const auto shim = value_of(machine, shim_guid, "MokSBStateRT", 16);
  facts.shim_checks_nothing = shim && *shim == "\x01";
  facts.level = value_of(machine, shim_guid, "SbatLevelRT", insight::max_sbat_bytes);
  constexpr auto most = insight::max_signature_bytes;
  facts.forbidden = value_of(machine, database_guid, "dbx", most);
  facts.allowed = value_of(machine, database_guid, "db", most);
  facts.forbidden_by_shim = value_of(machine, shim_guid, "MokListXRT", most);
  facts.allowed_by_shim = value_of(machine, shim_guid, "MokListRT", most);
  facts.programs = Programs(trees).run();
  return facts;
}

}  // namespace cube
