#include "boot/uefi/uefi_boot_control.h"

#include <algorithm>

#include "base/mutation.h"
#include "boot/cmdline.h"
#include "boot/efi/entry_text.h"
#include "boot/efi/mounted_partition.h"

namespace cube {
namespace {

struct OurOption {
  std::uint16_t number = 0;
  SlotEntry entry;
};

constexpr const char* remedy =
    "; the running slot can be made the fallback anew with `cube-update commit`";

Error damage(const std::string& what) {
  return {Errc::cannot_arm, "UEFI: " + what + remedy};
}

// Boot0002 "debian"
std::string called(const BootOption& option) {
  const auto parsed = parse_load_option(option.value);
  return option_name(option.number) + (parsed ? " \"" + parsed->description + "\"" : "");
}

bool is_ours(const BootMenu::Content& menu, std::uint16_t number) {
  const auto* option = menu.option(number);
  return option != nullptr && is_named_as_ours(option->value);
}

std::vector<OurOption> whole_ones(const BootMenu::Content& menu, const GptPartition& partition) {
  std::vector<OurOption> found;
  for (const auto& option : menu.options)
    if (const auto entry = parse_slot_entry(option.value, partition))
      found.push_back({option.number, *entry});
  return found;
}

std::uint32_t next_serial(const std::vector<OurOption>& ours) {
  std::uint32_t highest = 0;
  for (const auto& one : ours) highest = std::max(highest, one.entry.serial);
  return std::min(highest + 1, max_serial);
}

// A copy of the slot's kernel that may still be right.
std::optional<std::uint32_t> kernel_of(const std::vector<OurOption>& ours, SlotId slot) {
  for (const auto& one : ours)
    if (one.entry.slot == slot) return one.entry.kernel;
  return std::nullopt;
}

// The order with `first` first and no other of ours.
std::vector<std::uint16_t> order_with(const BootMenu::Content& menu, std::uint16_t first) {
  std::vector<std::uint16_t> order = {first};
  for (const auto number : menu.order)
    if (number != first && !is_ours(menu, number) && !mutated("uefi-order-of-others-lost"))
      order.push_back(number);
  return order;
}

}  // namespace

// Everything read once.
struct UefiBootControl::Records {
  GptPartition partition;
  BootMenu::Content menu;
  std::vector<OurOption> ours;  // all whole
  OurOption fallback;
  std::optional<OurOption> trial;  // the one that counts, if there are several
  BootState state;
};

Result<UefiBootControl::Records> UefiBootControl::read() const {
  Records records;
  CUBE_TRY(records.menu, menu_.read());
  CUBE_TRY(records.partition, partition_mounted_at(root_, esp_));
  const auto& menu = records.menu;
  records.ours = whole_ones(menu, records.partition);
  const auto find = [&](std::uint16_t number) {
    return std::find_if(records.ours.begin(), records.ours.end(),
                        [&](const OurOption& one) { return one.number == number; });
  };
  for (const auto& option : menu.options)
    if (is_named_as_ours(option.value) && find(option.number) == records.ours.end())
      return damage(called(option) + " is not as cube-update writes it for the partition at " +
                    root_.join(esp_));
  if (menu.order_is_damaged || menu.next_is_damaged)
    return damage(std::string(menu.order_is_damaged ? "BootOrder" : "BootNext") + " is damaged");
  const auto* first = menu.first();
  if (first == nullptr) return damage("BootOrder names nothing that can be started");
  const auto fallback = find(first->number);
  if (fallback == records.ours.end() || fallback->entry.trial)
    return damage("the firmware starts " + called(*first) + " first, and not the fallback");
  records.fallback = *fallback;
  const auto slot = records.fallback.entry.slot;
  if (!copies_.present(slot, records.fallback.entry.kernel))
    return damage("the kernel of the fallback's entry " + called(*first) + " is missing");
  for (const auto& one : records.ours)
    if (one.entry.slot == other(slot) && one.entry.trial &&
        (!records.trial || one.entry.serial > records.trial->entry.serial))
      records.trial = one;
  records.state.fallback = slot;
  if (const auto& trial = records.trial) {
    const auto count = *trial->entry.trial;
    const bool offered = menu.next == trial->number;
    records.state.offered = offered;
    records.state.trial = offered ? Trial{other(slot), count.left, count.done}
                                  : Trial{other(slot), count.left - 1, std::min(9, count.done + 1)};
  }
  return records;
}

// This boot's own canary proves that this boot has proved so before it wrote. An entry that this
// boot has removed may be the one it was started from.
Status UefiBootControl::read_by_firmware(const Records& records) const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  CUBE_TRY(const auto ours, canary_of_this_boot(root_));
  const auto& canary = records.fallback.entry.canary;
  if (canary == ours || mutated("uefi-canary-ignored")) return ok();
  const auto& current = records.menu.current;
  const auto* from = current ? records.menu.option(*current) : nullptr;
  const bool another =
      from != nullptr &&
      std::none_of(records.ours.begin(), records.ours.end(), [&](const OurOption& one) {
        return one.number == from->number && one.entry.slot == cmdline.slot;
      });
  if (current && !another && canary == cmdline.canary) return ok();
  return Error{Errc::cannot_arm,
               "the firmware did not start this kernel from an entry of cube-update's" +
                   (from != nullptr ? ", but from " + called(*from) : std::string()) +
                   ": restart the machine, or see boot.loader in docs/install.md"};
}

Result<BootState> UefiBootControl::state() const {
  CUBE_TRY(const auto records, read());
  CUBE_CHECK(read_by_firmware(records));
  return records.state;
}

Status UefiBootControl::tidy(const Records& records) {
  const auto& menu = records.menu;
  const bool offered = records.state.offered;
  const bool stale =
      menu.next && !offered && (menu.option(*menu.next) == nullptr || is_ours(menu, *menu.next));
  if (stale && !mutated("uefi-stale-next-left")) CUBE_CHECK(menu_.remove_next());
  const auto order = order_with(menu, records.fallback.number);
  const bool more = std::any_of(menu.order.begin(), menu.order.end(), [&](std::uint16_t number) {
    return number != records.fallback.number && is_ours(menu, number);
  });
  if (more && !mutated("uefi-order-not-tidied")) CUBE_CHECK(menu_.write_order(order));
  for (const auto& one : records.ours)
    if (one.number != records.fallback.number &&
        (!records.trial || one.number != records.trial->number))
      CUBE_CHECK(menu_.remove_option(one.number));
  return ok();
}

Status UefiBootControl::remove_unnamed_kernels(const BootMenu::Content& menu) const {
  std::string texts;
  for (const auto& option : menu.options) {
    if (option.value.empty()) return ok();  // whatever it names stays
    texts += in_lower_case(option.value) + "\n";
  }
  std::erase(texts, '\0');  // UTF-16 becomes ASCII
  std::replace(texts.begin(), texts.end(), '\\', '/');
  return copies_.remove_unnamed(texts);
}

Status UefiBootControl::finish(const BootState& wanted) {
  CUBE_TRY(const auto written, read());
  CUBE_CHECK(tidy(written));
  CUBE_TRY(const auto now, read());
  CUBE_CHECK(remove_unnamed_kernels(now.menu));
  if (now.state == wanted) return ok();
  return Error{Errc::failed, "UEFI: the variables read back different from what was written"};
}

// Where a trial is offered already, its entry is changed in place and BootNext stays. Otherwise the
// entry's appearance under the number that BootNext names is the offer.
Status UefiBootControl::offer(const Records& records, const SlotEntry& entry) {
  CUBE_TRY(const auto value, render_slot_entry(entry, records.partition));
  if (records.state.offered) return menu_.write_option(records.trial->number, value);
  CUBE_TRY(const auto number, records.menu.free_number());
  const bool late = mutated("uefi-entry-before-next");
  if (!late) CUBE_CHECK(menu_.write_next(number));
  auto status = menu_.write_option(number, value);
  if (status && late) CUBE_CHECK(menu_.write_next(number));
  if (!status && !mutated("uefi-next-left-after-failure")) (void)menu_.remove_next();
  return status;
}

Status UefiBootControl::arm(SlotId slot, int tries) {
  if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries out of range"};
  CUBE_TRY(const auto records, read());
  if (slot == records.state.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
  CUBE_CHECK(read_by_firmware(records));
  const auto& menu = records.menu;
  const auto* next = menu.next ? menu.option(*menu.next) : nullptr;
  if (next != nullptr && !is_ours(menu, next->number) && !mutated("uefi-next-of-others-taken"))
    return Error{Errc::cannot_arm, "UEFI: somebody wants " + called(*next) +
                                       " to be started next (BootNext); restart the machine, or "
                                       "take that back, and try again"};
  const int done = records.state.trial ? records.state.trial->tries_done : 0;
  const auto& fallback = records.fallback.entry;
  SlotEntry entry{slot, TryCount{tries, done}, next_serial(records.ours),
                  0,    fallback.canary,       arguments_};
  if (records.state.offered) entry.serial = records.trial->entry.serial;
  CUBE_TRY(const auto value, render_slot_entry(entry, records.partition));
  CUBE_CHECK(menu_.can_take(value.size(), menu.order.size()));
  CUBE_CHECK(tidy(records));
  CUBE_CHECK(removable_path_.remove_other(records.state.fallback));
  CUBE_CHECK(remove_unnamed_kernels(menu));
  const auto place = [&]() -> Status {
    CUBE_TRY(entry.kernel, copies_.place(kernels_, slot, kernel_of(records.ours, slot)));
    return ok();
  };
  const bool early = mutated("uefi-armed-before-kernel");
  if (!early) CUBE_CHECK(place());
  CUBE_CHECK(offer(records, entry));
  if (early) CUBE_CHECK(place());
  return finish({records.state.fallback, Trial{slot, tries, done}, true});
}

Status UefiBootControl::reject(SlotId slot) {
  CUBE_TRY(const auto records, read());
  if (slot == records.state.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
  CUBE_CHECK(read_by_firmware(records));
  CUBE_CHECK(menu_.can_be_written());  // shows before a slot is filled
  CUBE_CHECK(tidy(records));
  CUBE_CHECK(removable_path_.remove_other(records.state.fallback));
  if (records.trial) CUBE_CHECK(menu_.remove_option(records.trial->number));
  return finish({records.state.fallback, std::nullopt, false});
}

// Written anew only where the firmware must have seen the same.
Status UefiBootControl::may_write_anew(const Error& damage) const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  if (cmdline.slot) return ok();
  return Error{Errc::cannot_arm,
               damage.what +
                   "; and this kernel was not started by an entry of cube-update's (no "
                   "cube.slot= among its arguments): see \"UEFI\" in docs/install.md"};
}

// The entry, then BootOrder, which decides; then everything else of ours goes.
Status UefiBootControl::write_fallback(const SlotEntry& wanted) {
  CUBE_TRY(const auto menu, menu_.read());
  CUBE_TRY(const auto partition, partition_mounted_at(root_, esp_));
  SlotEntry entry = wanted;
  const auto ours = whole_ones(menu, partition);
  CUBE_TRY(auto value, render_slot_entry(entry, partition));
  CUBE_CHECK(menu_.can_take(value.size(), menu.order.size()));
  CUBE_CHECK(remove_unnamed_kernels(menu));
  CUBE_TRY(entry.kernel, copies_.place(kernels_, entry.slot, kernel_of(ours, entry.slot)));
  CUBE_TRY(value, render_slot_entry(entry, partition));
  CUBE_TRY(auto number, menu.free_number());
  for (const auto& one : ours)
    if (one.entry.slot == entry.slot && !one.entry.trial) number = one.number;
  CUBE_CHECK(menu_.write_option(number, value));
  CUBE_CHECK(menu_.write_order(order_with(menu, number)));
  for (const auto& option : menu.options)
    if (option.number != number && is_named_as_ours(option.value))
      CUBE_CHECK(menu_.remove_option(option.number));
  return menu.next_is_damaged ? menu_.remove_next() : ok();
}

Status UefiBootControl::bless(SlotId slot) {
  const auto records = read();
  if (records)
    CUBE_CHECK(read_by_firmware(*records));
  else
    CUBE_CHECK(may_write_anew(records.error()));
  if (records) CUBE_CHECK(tidy(*records));
  SlotEntry entry{slot, std::nullopt, 1, 0, "", arguments_};
  CUBE_TRY(entry.canary, canary_of_this_boot(root_));
  if (records) entry.serial = next_serial(records->ours);
  if (records && records->state.fallback == slot) {
    entry.canary = records->fallback.entry.canary;
    entry.serial = records->fallback.entry.serial;
  }
  CUBE_CHECK(write_fallback(entry));
  CUBE_CHECK(finish({slot, std::nullopt, false}));
  return removable_path_.follow(kernels_, slot, unified_arguments(entry));
}

FirmwareStart started_by_uefi(const RootDir& root) {
  FirmwareStart facts;
  const auto menu = BootMenu(root).read();
  const auto cmdline = read_cmdline(root);
  if (!menu || !cmdline) return facts;
  for (const auto& option : menu->options)
    facts.has_entries = facts.has_entries || is_named_as_ours(option.value);
  const auto* from = menu->current ? menu->option(*menu->current) : nullptr;
  facts.ours = facts.has_entries && menu->current && cmdline->slot &&
               (from == nullptr || is_named_as_ours(from->value));
  return facts;
}

}  // namespace cube
