#include "boot/systemd_boot/systemd_boot_control.h"

#include <algorithm>

#include "base/mutation.h"
#include "boot/cmdline.h"

namespace cube {

// Everything read once.
struct SystemdBootControl::Records {
  std::vector<EspEntry> entries;
  EspEntry fallback;              // whole
  std::optional<EspEntry> trial;  // whole: the one that counts, if there are several
  std::string one_shot;
  BootState state;
};

namespace {

constexpr const char* default_variable = "LoaderEntryDefault";
constexpr const char* one_shot_variable = "LoaderEntryOneShot";
constexpr const char* selected_variable = "LoaderEntrySelected";
constexpr const char* remedy =
    "; the running slot can be made the fallback anew with `cube-update commit`";

std::string fallback_id(SlotId slot) {
  return entry_id({slot, std::nullopt, 0});
}

Error damage(const std::string& what) {
  return {Errc::cannot_arm, "systemd-boot: " + what + remedy};
}

// systemd-boot compares in lower case, and takes these for patterns.
Result<std::string> plain_name(std::string name) {
  if (name.find_first_of("*?[\\") != std::string::npos)
    return Error{Errc::cannot_arm, "is a pattern, which may name any entry"};
  for (auto& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return name;
}

// An older trial's entry may still be there: the one that was started more often is the newer, and
// of two that were started equally often the newer was never offered.
bool counts_more(const EspEntry& one, const EspEntry& two) {
  if (one.name->done != two.name->done) return one.name->done > two.name->done;
  return one.entry->serial < two.entry->serial;
}

bool is_trial_of(const EspEntry& one, SlotId slot) {
  return one.entry && one.name->slot == slot && one.name->left;
}

const EspEntry* find(const std::vector<EspEntry>& entries, const std::string& id) {
  for (const auto& one : entries)
    if (one.entry && entry_id(*one.name) == id) return &one;
  return nullptr;
}

std::uint32_t next_serial(const std::vector<EspEntry>& entries) {
  std::uint32_t highest = 0;
  for (const auto& one : entries)
    if (one.entry) highest = std::max(highest, one.entry->serial);
  return std::min(highest + 1, max_serial);
}

// A copy of the slot's kernel that may still be right.
std::optional<std::uint32_t> kernel_of(const std::vector<EspEntry>& entries, SlotId slot) {
  for (const auto& one : entries)
    if (one.entry && one.name->slot == slot) return one.entry->kernel;
  return std::nullopt;
}

// Two names that differ in upper and lower case only, or in what counts as the same counter.
bool is_twice(const std::vector<EspEntry>& entries, const EspEntry& one) {
  return std::count_if(entries.begin(), entries.end(),
                       [&](const EspEntry& other) { return other.name == one.name; }) > 1;
}

}  // namespace

Result<SlotId> SystemdBootControl::fallback() const {
  auto named = variables_.read_text(default_variable);
  if (!named && named.error().code != Errc::corrupt) return std::move(named).error();
  if (!named) return damage(named.error().what);
  if (!*named) {
    auto second = esp_.default_slot();
    if (mutated("sdboot-second-copy-ignored")) return damage("LoaderEntryDefault is not set");
    if (!second) return damage("LoaderEntryDefault is not set, and " + second.error().what);
    return second;
  }
  CUBE_TRY(const auto id, plain_name(**named));
  const auto name = parse_entry_name(id);
  if (!name || name->left) return damage("LoaderEntryDefault names \"" + id + "\", none of ours");
  return name->slot;
}

Result<std::string> SystemdBootControl::one_shot() const {
  auto named = variables_.read_text(one_shot_variable);
  if (!named && named.error().code != Errc::corrupt) return std::move(named).error();
  if (!named) return damage(named.error().what);
  auto plain = plain_name(named->value_or(""));
  if (!plain) return damage(std::string(one_shot_variable) + " " + plain.error().what);
  return plain;
}

Result<SystemdBootControl::Records> SystemdBootControl::read() const {
  CUBE_CHECK(variables_.reachable());
  Records records;
  CUBE_TRY(records.entries, esp_.entries());
  CUBE_TRY(const auto slot, fallback());
  CUBE_TRY(records.one_shot, one_shot());
  for (const auto& one : records.entries)
    if (!one.name || is_twice(records.entries, one))
      return damage("\"" + one.file + "\" among the entries is a name that nothing of ours has");
  const auto* whole = find(records.entries, fallback_id(slot));
  if (whole == nullptr)
    return damage("the fallback's entry " + fallback_id(slot) +
                  " or its kernel is missing or damaged");
  records.fallback = *whole;
  for (const auto& one : records.entries) {
    if (!is_trial_of(one, other(slot))) continue;
    const bool offered = entry_id(*one.name) == records.one_shot && *one.name->left > 0;
    records.state.offered = records.state.offered || offered;
    if (offered || !records.trial || (!records.state.offered && counts_more(one, *records.trial)))
      records.trial = one;
  }
  records.state.fallback = slot;
  if (const auto& trial = records.trial)
    records.state.trial = Trial{other(slot), *trial->name->left, trial->name->done};
  return records;
}

// The kernel's arguments prove that systemd-boot read these entries; this boot's own canary, that
// this boot has proved so before it wrote.
Status SystemdBootControl::read_by_loader(const std::string& canary) const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  CUBE_TRY(const auto ours, canary_of_this_boot(root_));
  const auto selected = variables_.read_text(selected_variable);
  const auto ran = selected && *selected ? plain_name(**selected) : Result<std::string>("");
  const bool another = ran && !ran->empty() && cmdline.slot &&
                       !ran->starts_with("cube-" + std::string(to_string(*cmdline.slot)));
  if ((!another && (canary == cmdline.canary || canary == ours)) ||
      mutated("sdboot-canary-ignored"))
    return ok();
  return Error{Errc::cannot_arm, "systemd-boot did not start this kernel from the entries in " +
                                     root_.join(esp_.path("loader/entries")) +
                                     ": it reads another EFI system partition, or another loader "
                                     "started the machine; see boot.esp and boot.loader"};
}

Result<BootState> SystemdBootControl::state() const {
  CUBE_TRY(const auto records, read());
  CUBE_CHECK(read_by_loader(records.fallback.entry->canary));
  return records.state;
}

// A second copy that names the other slot is a bless() that was cut short; one that cannot be read
// is written anew, as long as the variable outranks it.
Status SystemdBootControl::let_default_follow(SlotId fallback) {
  const auto second = esp_.default_slot();
  if ((second && *second == fallback) || mutated("sdboot-default-left-behind")) return ok();
  return esp_.write_default(fallback);
}

Status SystemdBootControl::remove_one_shot() {
  const auto named = one_shot();
  if (named && !named->starts_with("cube-")) return ok();  // somebody else's, or none
  return variables_.remove(one_shot_variable);
}

Status SystemdBootControl::remove_all_but(const std::string& kept, const std::string& last) {
  CUBE_TRY(const auto entries, esp_.entries());
  for (const auto& one : entries)
    if (one.file != kept && one.file != last) CUBE_CHECK(esp_.remove_entry(one.file));
  if (!last.empty() && last != kept) CUBE_CHECK(esp_.remove_entry(last));
  return ok();
}

Status SystemdBootControl::arm(SlotId slot, int tries) {
  if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries out of range"};
  CUBE_TRY(const auto records, read());
  if (slot == records.state.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
  const auto& fallback = *records.fallback.entry;
  CUBE_CHECK(read_by_loader(fallback.canary));
  CUBE_CHECK(let_default_follow(records.state.fallback));
  CUBE_CHECK(esp_.remove_unnamed_kernels());
  const EntryName name{slot, tries, records.state.trial ? records.state.trial->tries_done : 0};
  const auto id = entry_id(name);
  const auto* present = find(records.entries, id);
  BootEntry entry{slot, true, next_serial(records.entries), 0, fallback.canary, arguments_};
  if (present != nullptr) entry.serial = present->entry->serial;  // which of two counts stays so
  CUBE_CHECK(render_entry(entry));  // before anything is written for it
  const auto place = [&]() -> Status {
    CUBE_TRY(entry.kernel, esp_.kernels().place(kernels_, slot, kernel_of(records.entries, slot)));
    return ok();
  };
  const auto write_entry = [&] {
    return esp_.write_entry(present != nullptr ? present->file : id, entry);
  };
  const auto offer = [&] { return variables_.write_text(one_shot_variable, id); };
  const bool early = mutated("sdboot-armed-before-kernel");
  if (!early) CUBE_CHECK(place());
  // The later one of the two makes the trial an offered one. Where an entry is there already, that
  // is the variable; otherwise the entry's appearance, as an entry alone would be a trial
  // unoffered.
  const bool entry_first = records.state.offered || present != nullptr;
  if (entry_first) CUBE_CHECK(write_entry());
  CUBE_CHECK(offer());
  if (!entry_first) CUBE_CHECK(write_entry());
  if (early) CUBE_CHECK(place());
  for (const auto& one : records.entries)
    if (one.file != records.fallback.file && (!one.name || entry_id(*one.name) != id))
      CUBE_CHECK(esp_.remove_entry(one.file));
  CUBE_CHECK(esp_.remove_unnamed_kernels());
  CUBE_TRY(const auto now, state());
  if (now == BootState{records.state.fallback, Trial{slot, tries, name.done}, true}) return ok();
  return Error{Errc::failed, "systemd-boot: the offer reads back different from what was written"};
}

Status SystemdBootControl::reject(SlotId slot) {
  CUBE_TRY(const auto records, read());
  if (slot == records.state.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
  CUBE_CHECK(read_by_loader(records.fallback.entry->canary));
  CUBE_CHECK(let_default_follow(records.state.fallback));
  // The same bytes again: a partition that cannot be written shows before a slot is filled.
  CUBE_CHECK(esp_.write_entry(records.fallback.file, *records.fallback.entry));
  CUBE_CHECK(remove_all_but(records.fallback.file, records.trial ? records.trial->file : ""));
  CUBE_CHECK(remove_one_shot());
  return esp_.remove_unnamed_kernels();
}

// Written anew only where systemd-boot must have seen the same.
Status SystemdBootControl::may_write_anew(const Error& damage) const {
  CUBE_CHECK(variables_.reachable());
  CUBE_CHECK(esp_.entries());
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  if (cmdline.slot) return ok();
  return Error{Errc::cannot_arm,
               damage.what +
                   "; and this kernel was not started by an entry of cube-update's (no cube.slot= "
                   "among its arguments): see \"systemd-boot\" in docs/install.md"};
}

Status SystemdBootControl::bless(SlotId slot) {
  const auto records = read();
  if (records)
    CUBE_CHECK(read_by_loader(records->fallback.entry->canary));
  else
    CUBE_CHECK(may_write_anew(records.error()));
  CUBE_TRY(const auto entries, esp_.entries());
  const auto id = fallback_id(slot);
  const bool stays = records && records->state.fallback == slot;
  BootEntry entry{slot, false, next_serial(entries), 0, "", arguments_};
  CUBE_TRY(entry.canary, canary_of_this_boot(root_));
  if (stays) entry.canary = records->fallback.entry->canary;
  if (stays) entry.serial = records->fallback.entry->serial;
  CUBE_CHECK(render_entry(entry));
  CUBE_CHECK(esp_.remove_unnamed_kernels());
  CUBE_TRY(entry.kernel, esp_.kernels().place(kernels_, slot, kernel_of(entries, slot)));
  std::string file = id;  // or as the folder spells it
  for (const auto& one : entries)
    if (one.name && entry_id(*one.name) == id) file = one.file;
  CUBE_CHECK(esp_.write_entry(file, entry));
  if (!mutated("sdboot-bless-skips-default")) CUBE_CHECK(esp_.write_default(slot));
  CUBE_CHECK(variables_.write_text(default_variable, id));
  const bool trial_is_left = records && records->trial && records->trial->name->slot != slot;
  CUBE_CHECK(remove_all_but(file, trial_is_left ? records->trial->file : ""));
  CUBE_CHECK(remove_one_shot());
  CUBE_CHECK(esp_.remove_unnamed_kernels());
  CUBE_TRY(const auto now, state());
  if (now == BootState{slot, std::nullopt, false}) return ok();
  return Error{Errc::failed,
               "systemd-boot: the fallback reads back different from what was written"};
}

}  // namespace cube
