#include "boot/postmortem/root_verdict.h"

#include <algorithm>

#include "boot/postmortem/log_words.h"

namespace cube {
namespace {

std::string named(std::string_view what, const std::string& name) {
  return std::string(what) + (name.empty() ? "" : " " + name);
}

std::string disks_of(const BootStory& boot) {
  std::string text;
  for (const auto& disk : boot.storage.disks()) {
    if (text.size() > 60) return text + ", ...";
    text += (text.empty() ? "" : ", ") + disk;
  }
  return text;
}

bool says(const BootStory& boot, Sign sign, std::string_view part) {
  return boot.seen(sign).text.find(part) != std::string::npos;
}

bool is_filesystem(std::string_view module, const BootStory& boot) {
  if (module.empty()) return false;
  if (module == boot.filesystem) return true;
  return is_filesystem_module(module);
}

// "unknown-block(0,0)": no such device; "unknown-block(8,2)": one that was opened.
bool device_was_opened(const BootStory& boot) {
  return boot.unresolved(Sign::root_panic) && !boot.has(Sign::root_absent) &&
         boot.panic.find("unknown-block(") != std::string::npos &&
         boot.panic.find("unknown-block(0,0)") == std::string::npos;
}

Finding unknown_filesystem(const BootStory& boot) {
  return {Stage::unknown_filesystem,
          boot.has(Sign::fs_unknown) ? Confidence::high : Confidence::medium,
          "The kernel found " + root_name(boot) + ", but knows no file system that fits it" +
              (boot.filesystem.empty() ? "" : " (" + boot.filesystem + ")") + ".",
          {Sign::fs_unknown, Sign::root_panic, Sign::module_absent, Sign::mount_failed}};
}

// What hinders a mount, from the clearest words to the vaguest.
std::optional<Finding> judge_mount(const BootStory& boot) {
  if (boot.unresolved(Sign::fs_feature))
    return Finding{Stage::fs_feature_unsupported,
                   Confidence::high,
                   "The kernel knows " + named("the file system", boot.filesystem) +
                       ", but not a feature that this one uses.",
                   {Sign::fs_feature, Sign::mount_failed, Sign::root_panic}};
  // A kernel without any device says "No filesystem could mount root", too.
  const bool no_device = boot.panic.find("unknown-block(0,0)") != std::string::npos;
  const bool no_type = boot.unresolved(Sign::fs_unknown) && !no_device;
  const bool damaged = boot.unresolved(Sign::fs_damaged);
  if (no_type && is_filesystem(boot.refused_module, boot))
    return Finding{Stage::driver_not_loaded,
                   Confidence::high,
                   "The driver of the file system, " + boot.refused_module +
                       ", is there, but the kernel refused it.",
                   {Sign::module_refused, Sign::fs_unknown, Sign::mount_failed},
                   {},
                   boot.refused_module};
  // A kernel that tries all that it knows says "No filesystem could mount root" of damage, too.
  const bool told = no_type && !says(boot, Sign::fs_unknown, "No filesystem could mount");
  if (told || ((no_type || device_was_opened(boot)) && !damaged)) return unknown_filesystem(boot);
  const bool refused = boot.unresolved(Sign::mount_failed) &&
                       !says(boot, Sign::mount_failed, "No such file or directory") &&
                       !says(boot, Sign::mount_failed, "does not exist");
  const bool absent = boot.unresolved(Sign::root_absent) && !boot.storage.any_disk();
  if ((damaged &&
       (refused || no_type || boot.has(Sign::root_panic) || !boot.unresolved(Sign::root_absent))) ||
      (refused && !absent))
    return Finding{Stage::mount_failed,
                   damaged ? Confidence::high : Confidence::medium,
                   "The disk was found, but " + root_name(boot) + " could not be mounted" +
                       (damaged ? ": its file system is damaged." : "."),
                   {Sign::fs_damaged, Sign::mount_failed, Sign::breadcrumb}};
  return std::nullopt;
}

std::optional<Finding> judge_handover(const BootStory& boot) {
  if (boot.has(Sign::initramfs_no_init))
    return Finding{Stage::initramfs_start,
                   Confidence::high,
                   "The initramfs was unpacked, but its /init could not be run.",
                   {Sign::initramfs_no_init, Sign::init_absent, Sign::root_panic}};
  const bool init = boot.has(Sign::init_absent);
  // A script that goes on after it found no root has no init either.
  const bool no_root = boot.unresolved(Sign::root_absent) || boot.unresolved(Sign::mount_failed);
  if (init && !no_root)
    return Finding{Stage::init_missing,
                   Confidence::high,
                   "The root was mounted, but its init is missing or cannot be run.",
                   {Sign::init_absent, Sign::switch_root_failed}};
  if (boot.has(Sign::switch_root_failed) && !no_root && !boot.real_init())
    return Finding{Stage::switch_root_failed,
                   Confidence::high,
                   "The root was mounted, but the initramfs could not hand over to it.",
                   {Sign::switch_root_failed, Sign::breadcrumb, Sign::init_frozen}};
  return std::nullopt;
}

}  // namespace

std::string root_name(const BootStory& boot) {
  return named("the root", boot.device_told.empty() ? boot.root : boot.device_told);
}

Finding judge_root_device(const BootStory& boot) {
  const std::vector<Sign> signs = {Sign::root_absent, Sign::breadcrumb, Sign::root_panic,
                                   Sign::root_awaited, Sign::initramfs_shell};
  const auto with = [&](Sign first) {
    std::vector<Sign> all{first};
    all.insert(all.end(), signs.begin(), signs.end());
    return all;
  };
  const auto& storage = boot.storage;
  const bool disks = storage.any_disk() && !storage.told_none();
  const auto& device = boot.device_told.empty() ? boot.root : boot.device_told;
  const auto* idle = disks ? (storage.family_seen(device) ? nullptr : storage.unbound_for(device))
                           : storage.unbound();
  const bool refused = boot.has(Sign::module_refused) || !boot.has(Sign::disk_not_ready);
  if (refused && !boot.refused_module.empty() && (!disks || is_storage_module(boot.refused_module)))
    return {Stage::driver_not_loaded,
            is_storage_module(boot.refused_module) ? Confidence::high : Confidence::medium,
            "The driver " + boot.refused_module + " is there, but did not come to work, so " +
                root_name(boot) + " was not found.",
            with(boot.has(Sign::module_refused) ? Sign::module_refused : Sign::probe_failed),
            {},
            boot.refused_module};
  if (!boot.absent_module.empty() && is_storage_module(boot.absent_module))
    return {Stage::drivers_missing,
            Confidence::high,
            "The driver " + boot.absent_module + " is missing, so " + root_name(boot) +
                " was not found.",
            with(Sign::module_absent),
            {},
            boot.absent_module};
  if (idle != nullptr)
    return {Stage::drivers_missing,
            Confidence::high,
            "A storage controller is there that no driver took (" + idle->driver + "), and " +
                root_name(boot) + " was not found.",
            signs,
            {idle->line},
            idle->driver.starts_with("a ") ? "" : idle->driver};
  if (disks)
    return {Stage::root_not_found,
            boot.has(Sign::root_absent) ? Confidence::high : Confidence::medium,
            "There are disks (" + disks_of(boot) + "), but " + root_name(boot) + " is not on them.",
            signs};
  if (boot.has(Sign::disk_not_ready))
    return {Stage::disk_not_found, Confidence::high,
            "The driver runs, but no disk answered, so " + root_name(boot) + " was not found.",
            with(Sign::disk_not_ready)};
  if (storage.any_driver())
    return {Stage::disk_not_found, Confidence::medium,
            "A storage driver runs (" + storage.drivers().front() + "), but saw no disk, so " +
                root_name(boot) + " was not found.",
            signs};
  return {Stage::drivers_missing, Confidence::medium,
          "No storage driver and no disk was seen, and " + root_name(boot) + " was not found.",
          with(Sign::module_absent)};
}

std::optional<Finding> judge_start(const BootStory& boot) {
  if (auto finding = judge_mount(boot)) return finding;
  if (auto finding = judge_handover(boot)) return finding;
  for (const Sign sign : {Sign::root_absent, Sign::root_panic, Sign::breadcrumb, Sign::mount_failed,
                          Sign::initramfs_shell})
    if (boot.unresolved(sign)) return judge_root_device(boot);
  return std::nullopt;
}

}  // namespace cube
