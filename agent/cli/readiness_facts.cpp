#include "agent/cli/readiness_facts.h"

#include <fcntl.h>
#include <sys/statvfs.h>

#include <algorithm>

#include "agent/drift/running_drift.h"
#include "agent/lock.h"
#include "boot/efi/kernel_files.h"
#include "keys/trusted_root.h"

namespace cube::cli {
namespace {

constexpr const char* state_folder = "var/lib/cube-update";

// What starts the running slot, and the other one not.
std::vector<std::string> lacking(const RootDir& running, const RootDir& tree) {
  std::vector<std::string> names;
  for (const auto& file : kernel_files)
    if (running.exists(file.in_slot) && !open_kernel_file(tree, file.in_slot))
      names.emplace_back(file.in_slot);
  return names;
}

// What its seal says and what is there; its seal, if it could be started.
std::optional<Seal> look_at_other(Appliance& appliance, ReadinessFacts& facts) {
  const SlotId slot = other(facts.booted);
  auto seal = appliance.machine().slots.seal_of(slot);
  if (!seal) facts.other_trouble = seal.error().what;
  if (!seal || !*seal) return std::nullopt;
  const auto running = appliance.look_into(facts.booted), there = appliance.look_into(slot);
  if (!running || !there) {
    facts.other_trouble = (running ? there : running).error().what;
    return std::nullopt;
  }
  facts.other_release = (*seal)->release;
  facts.other_lacks = lacking(running->tree(), there->tree());
  return facts.other_lacks.empty() ? *std::move(seal) : std::nullopt;
}

// Against the commit that the seal names, which names every byte.
Status read_back(Appliance& appliance, SlotId slot, const Seal& seal,
                 const ProgressSink& progress) {
  Release release;
  release.name.text = seal.release;
  release.commit = seal.commit;
  return appliance.machine().slots.verify_after_use(slot, release, progress);
}

void ask_source(Appliance& appliance, ReadinessFacts& facts) {
  auto& source = appliance.source();
  if (facts.source.empty() || !facts.root_trouble.empty()) return;
  source.only_look();
  source.set_not_before(facts.built);
  auto channel = source.channel();
  auto signings = channel ? (*channel)->signings() : Result<std::vector<Signing>>(channel.error());
  facts.source_asked = signings ? ok() : Status(signings.error());
  if (signings) facts.signings = *std::move(signings);
}

void look_at_state(const RootDir& root, ReadinessFacts& facts) {
  // Where it is, or is going to be.
  std::string place = state_folder;
  while (!root.exists(place) && place.find('/') != std::string::npos)
    place.resize(place.rfind('/'));
  const auto folder = root.open_file(place, O_PATH | O_DIRECTORY);
  struct statvfs space {};
  if (!folder || ::fstatvfs(folder->get(), &space) != 0) {
    facts.state_trouble = root.join(state_folder) + ": cannot be looked at";
    return;
  }
  facts.state_free = std::uint64_t{space.f_bavail} * space.f_frsize;
  if ((space.f_flag & ST_RDONLY) != 0)
    facts.state_trouble = root.join(state_folder) + ": read-only";
  // An appliance that is laid out in a folder is on one device as a whole.
  const auto state = root.stat(place), running = root.stat("/");
  if (root.path() == "/" && state && running && state->st_dev == running->st_dev)
    facts.state_trouble = "/" + std::string(state_folder) +
                          ": lies in the slot that runs, so the other one has another journal";
}

// For loaders that cannot read the slots.
std::optional<Status> kernel_room(const Appliance& appliance, SlotId booted) {
  const auto& loader = appliance.loader();
  if (loader != "systemd-boot" && loader != "uefi") return std::nullopt;
  const auto running = appliance.look_into(booted);
  if (!running) return Status(running.error());
  std::uint64_t bytes = 0;
  for (const auto& file : kernel_files)
    if (const auto open = open_kernel_file(running->tree(), file.in_slot))
      if (const auto size = size_of(*open)) bytes += *size;
  return has_room(appliance.root(), appliance.config().config.boot_esp, bytes);
}

}  // namespace

Result<ReadinessFacts> readiness_facts(Appliance& appliance, const DoctorOptions& options,
                                       const ProgressSink& progress) {
  ReadinessFacts facts;
  CUBE_TRY(facts.booted, appliance.machine().slots.booted());
  if (auto state = appliance.machine().boot.state())
    facts.records = *state;
  else
    facts.records_trouble = state.error().what;
  if (const auto root = read_trusted_root(appliance.root(), ChannelConfig{}.trusted_root); !root)
    facts.root_trouble = root.error().what;
  if (const auto running = appliance.running_release())
    if (const auto name = ReleaseName::parse(*running)) facts.built = built_at(*name);
  facts.now = appliance.clock().now();
  facts.source = appliance.source().url();
  if (const auto lock = take_lock(appliance.root(), 0); !lock) {
    facts.other_trouble = "an update is at work in it";
  } else if (const auto seal = look_at_other(appliance, facts); seal && options.read_back) {
    facts.other_read_back = read_back(appliance, other(facts.booted), *seal, progress);
  }
  look_at_state(appliance.root(), facts);
  if (const auto journal = appliance.machine().journal.load())
    for (const auto& attempt : journal->history)
      if (attempt.rehearsal != Rehearsal::none) facts.rehearsal = attempt;
  if (appliance.config().config.health_drift != "off") {
    const auto drift =
        running_drift(appliance.root(), appliance.slots(), false, [](const Progress&) {});
    facts.drift = drift ? Result<std::string>(drift->any() ? drift_summary(*drift) : "")
                        : Result<std::string>(drift.error());
  }
  facts.kernel_room = kernel_room(appliance, facts.booted);
  if (!options.offline) ask_source(appliance, facts);
  return facts;
}

}  // namespace cube::cli
