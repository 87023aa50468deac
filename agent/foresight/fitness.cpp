#include "agent/foresight/fitness.h"

#include <fcntl.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>

#include <algorithm>
#include <memory>

#include "agent/foresight/fitness_room.h"
#include "agent/foresight/root_layers.h"
#include "agent/foresight/secure_boot_facts.h"
#include "base/io.h"
#include "boot/cmdline.h"
#include "boot/efi/kernel_files.h"
#include "insight/fit/argument_fit.h"
#include "insight/fit/fallback_fit.h"
#include "insight/fit/filesystem_fit.h"
#include "insight/fit/processor_fit.h"
#include "slots/initramfs/contents.h"
#include "slots/kernel_modules.h"
#include "slots/make_filesystem.h"
#include "slots/superblock.h"

namespace cube {
namespace {

using insight::Findings;
using insight::Inventory;

constexpr const char* kernel_file = kernel_files[0].in_slot;
constexpr const char* initramfs_file = kernel_files[1].in_slot;
constexpr std::size_t max_os_release_bytes = 64 * 1024;

Result<insight::KernelImage> kernel_image_of(const RootDir& tree) {
  CUBE_TRY(const auto file, open_kernel_file(tree, kernel_file));
  CUBE_TRY(const auto size, size_of(file));
  std::string head;
  CUBE_CHECK(read_at(file, 0, std::min<std::uint64_t>(size, insight::kernel_head_bytes), head));
  auto image = insight::kernel_image(head);
  if (!image) return std::move(image).error().in(kernel_file);
  return image;
}

// Of a release without one: only what its kernel says, and that all else is not known.
Inventory inventory_for(const Prospect& prospect) {
  if (prospect.inventory) return *prospect.inventory;
  Inventory made;
  if (const auto image = kernel_image_of(prospect.tree)) made.kernel = image->release;
  if (prospect.tree.exists(initramfs_file)) made.initramfs = initramfs_file;
  for (const char* part : {"built_in", "initramfs_modules", "modules", "options"})
    made.unreadable.push_back({part, "the release has no inventory"});
  return made;
}

// "" where proc does not tell.
std::string running_kernel(const RootDir& machine) {
  auto text = machine.read_file("proc/sys/kernel/osrelease", 256);
  if (!text) return "";
  while (text->ends_with('\n')) text->pop_back();
  return *text;
}

std::string machine_name() {
  utsname names{};
  return ::uname(&names) == 0 ? names.machine : "";
}

Result<Findings> look_at_filesystem(const FitnessPorts& ports, const Prospect& prospect) {
  CUBE_TRY(const auto device, ports.device_of(prospect.slot));
  if (device.empty()) return Findings{};
  return insight::root_filesystem_findings(read_superblock(prospect.machine.join(device)),
                                           inventory_for(prospect),
                                           running_kernel(prospect.machine));
}

// Of the loaders only GRUB has a list here of what it reads (slots/make_filesystem.h).
Result<Findings> look_at_loader(const FitnessPorts& ports, const Prospect& prospect) {
  CUBE_TRY(const auto device, ports.device_of(prospect.slot));
  if (device.empty() || ports.loader != "grub") return Findings{};
  return insight::loader_filesystem_findings(ports.loader,
                                             check_loader_readable(prospect.machine.join(device)));
}

Result<insight::ElfNeeds> needs_of(const RootDir& tree, const std::string& path) {
  CUBE_TRY(const auto file, open_kernel_file(tree, path));
  return insight::elf_needs(file);
}

Result<insight::Processor> processor_of(const RootDir& machine) {
  CUBE_TRY(const auto text, machine.read_file("proc/cpuinfo", insight::max_cpuinfo_bytes));
  return insight::parse_cpuinfo(text);
}

Result<Findings> look_at_processor(const Prospect& prospect) {
  insight::ProcessorFacts facts;
  facts.machine = machine_name();
  CUBE_TRY(facts.processor, processor_of(prospect.machine));
  // The loader of programs, the C library where distributions have it, and init.
  for (const char* path :
       {"lib64/ld-linux-x86-64.so.2", "lib/ld-linux-aarch64.so.1", "lib64/libc.so.6",
        "lib/x86_64-linux-gnu/libc.so.6", "lib/aarch64-linux-gnu/libc.so.6", "sbin/init"})
    if (prospect.tree.exists(path)) facts.programs.push_back({path, needs_of(prospect.tree, path)});
  if (auto text = prospect.tree.read_file("etc/os-release", max_os_release_bytes))
    facts.os_release = *std::move(text);
  facts.kernel = kernel_image_of(prospect.tree);
  return insight::cpu_level_findings(facts, inventory_for(prospect));
}

std::optional<bool> has_early(const RootDir& tree, const std::string& member) {
  const auto image = open_kernel_file(tree, initramfs_file);
  if (!image) return std::nullopt;
  const auto members = early_members(*image, initramfs_file);
  if (!members) return std::nullopt;
  return members->count(member) != 0;
}

Result<Findings> look_at_microcode(const FitnessPorts& ports, const Prospect& prospect) {
  insight::MicrocodeFacts facts;
  CUBE_TRY(facts.processor, processor_of(prospect.machine));
  const auto member = insight::microcode_member(facts.processor.vendor);
  if (!member.empty() && !facts.processor.is_virtual()) {
    if (const auto running = ports.look_into(other(prospect.slot)))
      facts.in_running = has_early(running->tree(), member);
    facts.in_staged = has_early(prospect.tree, member);
  }
  return insight::microcode_findings(facts);
}

// Programs of the staged initramfs; nullopt: it cannot be looked into.
std::optional<insight::Names> initramfs_programs(const Prospect& prospect) {
  const auto image = open_kernel_file(prospect.tree, initramfs_file);
  const auto scratch = prospect.machine.open_file("var/tmp", O_TMPFILE | O_RDWR, 0600);
  if (!image || !scratch) return std::nullopt;
  auto contents = initramfs_contents(*image, *scratch, initramfs_file);
  if (!contents) return std::nullopt;
  return std::move(contents->programs);
}

void add_device_facts(const FitnessPorts& ports, const Prospect& prospect,
                      insight::ArgumentFacts& facts) {
  const auto device = ports.device_of(prospect.slot);
  if (!device || device->empty()) return;
  if (const auto root = read_superblock(prospect.machine.join(*device)))
    facts.filesystem = root->type;
  const auto st = prospect.machine.stat(*device);
  if (!st || !S_ISBLK(st->st_mode)) return;
  auto layers = layers_below(prospect.machine, std::to_string(major(st->st_rdev)) + ":" +
                                                   std::to_string(minor(st->st_rdev)));
  if (layers) facts.layers = *std::move(layers);
}

// A slot is started with what the running one was started with, but for what names the slot.
Result<Findings> look_at_arguments(const FitnessPorts& ports, const Prospect& prospect) {
  insight::ArgumentFacts facts;
  CUBE_TRY(facts.line, prospect.machine.read_file("proc/cmdline", max_cmdline_bytes));
  if (const auto running = ports.look_into(other(prospect.slot)))
    if (auto modules = kernel_modules(running->tree()))
      facts.running_modules = std::move(modules->modules);
  bool wants_programs = false;
  for (const auto& argument : insight::parse_arguments(facts.line)) {
    if (argument.name == "init") facts.has_init = prospect.tree.exists(argument.value);
    wants_programs = wants_programs || insight::asks_for_programs(argument);
  }
  add_device_facts(ports, prospect, facts);
  if (wants_programs || (facts.layers && !facts.layers->empty()))
    facts.programs = initramfs_programs(prospect);
  return insight::argument_findings(facts, inventory_for(prospect));
}

// Every byte of it, from the device where the kernel lets go of its pages.
Status can_be_read(const RootDir& tree, const std::string& path) {
  CUBE_TRY(const auto file, open_kernel_file(tree, path));
  (void)::posix_fadvise(file.get(), 0, 0, POSIX_FADV_DONTNEED);
  auto read = in_pieces(file, [](std::uint64_t, const std::string&) { return ok(); });
  if (!read) return std::move(read).error().in(path);
  return ok();
}

Result<Findings> look_at_fallback(const FitnessPorts& ports, const Prospect& prospect) {
  const auto slot = other(prospect.slot);
  insight::FallbackFacts facts;
  facts.slot = to_string(slot);
  const auto records = ports.records();
  facts.is_fallback = records ? Result<bool>(records->fallback == slot) : records.error();
  const auto seal = ports.seal_of(slot);
  if (!seal)
    facts.seal = seal.error();
  else
    facts.seal = *seal ? std::optional((*seal)->release) : std::nullopt;
  CUBE_TRY(const auto running, ports.look_into(slot));
  // A release that is started without an initramfs has none to lose.
  for (const auto& file : kernel_files)
    if (running.tree().exists(file.in_slot) || prospect.tree.exists(file.in_slot))
      facts.files.push_back({file.in_slot, can_be_read(running.tree(), file.in_slot)});
  facts.running_kernel = running_kernel(prospect.machine);
  facts.kernel = kernel_image_of(running.tree());
  if (auto releases = running.tree().list("lib/modules", 1000))
    facts.with_modules = *std::move(releases);
  return insight::fallback_findings(facts);
}

Result<Findings> look_at_secure_boot(const FitnessPorts& ports, const Prospect& prospect) {
  CUBE_TRY(const auto running, ports.look_into(other(prospect.slot)));
  return insight::secure_boot_findings(secure_boot_facts(
      {prospect.machine, running.tree(), prospect.tree, prospect.slot, ports.esp}));
}

Result<Findings> look_at_room(const FitnessPorts& ports, const Prospect& prospect) {
  return room_findings(prospect.machine, prospect.tree, prospect.slot, ports.loader, ports.esp);
}

}  // namespace

std::vector<Examination> fitness_examinations(FitnessPorts given) {
  const auto ports = std::make_shared<const FitnessPorts>(std::move(given));
  const auto with_ports = [&](auto look) {
    return [ports, look](const Prospect& prospect) { return look(*ports, prospect); };
  };
  return {
      {"root-filesystem", with_ports(look_at_filesystem)},
      {"loader-filesystem", with_ports(look_at_loader)},
      {"cpu-level", look_at_processor},
      {"microcode", with_ports(look_at_microcode)},
      {"kernel-argument", with_ports(look_at_arguments)},
      {"fallback", with_ports(look_at_fallback)},
      {"secure-boot", with_ports(look_at_secure_boot)},
      {"space", with_ports(look_at_room)},
  };
}

}  // namespace cube
