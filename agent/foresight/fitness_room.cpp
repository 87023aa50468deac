#include "agent/foresight/fitness_room.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include "boot/efi/efi_variables.h"
#include "boot/efi/kernel_files.h"

namespace cube {
namespace {

using insight::Finding;
using insight::Findings;
using insight::Grade;

constexpr const char* state_folder = "var/lib/cube-update";
// An entry with its arguments, BootOrder and BootNext, or systemd-boot's one-shot: with room to
// spare.
constexpr std::size_t entry_bytes = 2048, entries = 3;
constexpr std::uint64_t state_needs = 1024 * 1024;
constexpr std::uint64_t state_wants = 16 * state_needs;  // as `cube-update doctor` demands

void add(Findings& all, const std::string& object, const Status& room, const std::string& good,
         const std::string& remedy) {
  if (room) return all.push_back({"space", object, Grade::good, good, "", ""});
  const auto code = room.error().code;
  const bool lacking = code == Errc::no_space || code == Errc::cannot_arm;
  all.push_back({"space", object, lacking ? Grade::refusal : Grade::unknown, room.error().what,
                 lacking ? remedy : "", ""});
}

// Little is enough for the journal; the next download wants more.
Result<Finding> state_room(const RootDir& machine) {
  CUBE_TRY(const auto folder, machine.open_file(state_folder, O_RDONLY | O_DIRECTORY));
  struct statvfs space {};
  if (::fstatvfs(folder.get(), &space) != 0) return system_error(state_folder);
  const auto free = std::uint64_t{space.f_bavail} * space.f_frsize;
  if (free >= state_wants)
    return Finding{"space", "state", Grade::good, "the state folder has room", "", ""};
  return Finding{"space", "state", free < state_needs ? Grade::refusal : Grade::warning,
                 std::string(state_folder) + ": " + std::to_string(free / 1024) + " KiB are free",
                 "make room on its partition: the journal has to be written", ""};
}

Status nvram_room(const RootDir& machine) {
  const EfiVariables variables(machine);
  CUBE_CHECK(variables.reachable());
  return variables.can_take(entry_bytes, entries);
}

// A copy of the slot's kernel that is there already is used again.
Status esp_room(const RootDir& machine, const RootDir& staged, SlotId slot,
                const std::string& esp) {
  const auto copies = machine.list(esp + "/cube/kernels");
  for (const auto& name : copies ? *copies : std::vector<std::string>{})
    if (name.starts_with(std::string(to_string(slot)) + "-")) return ok();
  std::uint64_t bytes = 0;
  for (const auto& file : kernel_files) {
    CUBE_TRY(const auto opened, open_kernel_file(staged, file.in_slot));
    CUBE_TRY(const auto size, size_of(opened));
    bytes += size;
  }
  return has_room(machine, esp, bytes);
}

}  // namespace

Findings room_findings(const RootDir& machine, const RootDir& staged, SlotId slot,
                       const std::string& loader, const std::string& esp) {
  Findings all;
  if (loader == "systemd-boot" || loader == "uefi") {
    add(all, "nvram", nvram_room(machine), "the firmware has room for its variables",
        "mount efivarfs writable, or delete boot entries that nobody needs");
    add(all, "esp", esp_room(machine, staged, slot, esp),
        "the EFI system partition has room for the release's kernel",
        "delete what nobody needs on the EFI system partition");
  }
  const auto state = state_room(machine);
  all.push_back(state ? *state
                      : Finding{"space", "state", Grade::unknown, state.error().what, "", ""});
  return all;
}

}  // namespace cube
