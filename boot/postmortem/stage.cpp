#include <array>

#include "boot/postmortem/diagnosis.h"

namespace cube {
namespace {

struct Word {
  Stage stage;
  std::string_view name;
  std::string_view advice;
};

constexpr std::array<Word, 19> words{{
    {Stage::loader, "loader",
     "Check that the loader's entry names a kernel that is there and signed, and that the loader "
     "can read the file system it lies on."},
    {Stage::kernel_early, "kernel-early",
     "Compare the kernel and its arguments with the release that works; try the older kernel in "
     "the new release."},
    {Stage::initramfs_start, "initramfs-start",
     "Build the initramfs again and compare its size and content with the one that works; look for "
     "a full boot partition and for a compression that this kernel does not know."},
    {Stage::drivers_missing, "drivers-missing",
     "Put the named driver into the initramfs, built for the very kernel of this release."},
    {Stage::driver_not_loaded, "driver-not-loaded",
     "Take the driver from the same build as the kernel: versions, symbols and signatures must "
     "fit."},
    {Stage::disk_not_found, "disk-not-found",
     "See whether the old release finds the disk; if it does, compare driver and firmware "
     "versions, else check cables, power and the controller."},
    {Stage::root_not_found, "root-not-found",
     "Compare root= on the kernel's command line with the labels, UUIDs and names of the disks."},
    {Stage::unknown_filesystem, "unknown-filesystem",
     "Put the driver of the root's file system into the kernel or the initramfs."},
    {Stage::fs_feature_unsupported, "fs-feature-unsupported",
     "Make the file system without the feature, or use a kernel that knows it; pin mkfs's "
     "features in the build."},
    {Stage::mount_failed, "mount-failed",
     "Check the file system from the old release (fsck, read only at first) and write the slot "
     "anew."},
    {Stage::switch_root_failed, "switch-root-failed",
     "Check that the root holds a whole system: os-release, /sbin/init and the folders to move the "
     "mounts to."},
    {Stage::init_missing, "init-missing",
     "Check that /sbin/init, or what init= names, is in the root, can be executed, and has its "
     "loader and libraries."},
    {Stage::init_died, "init-died",
     "Look at the last lines of init itself, and at the libraries that it needs."},
    {Stage::userspace_panic, "userspace-panic",
     "Compare kernel, modules and firmware with the release that works, first of all the module "
     "that the trace names."},
    {Stage::oom, "oom",
     "See what used the memory in the lines before; compare the size of the initramfs and the "
     "services of both releases."},
    {Stage::hang, "hang",
     "Start it with a serial console and without `quiet`, with a watchdog armed; the last lines "
     "show what it waited for."},
    {Stage::health, "health", "Look at the check or unit that is named, in the trial's journal."},
    {Stage::power, "power", "Check the power supply; the release itself is not accused."},
    {Stage::none, "none", "Nothing in this log speaks against this boot."},
}};

}  // namespace

std::string_view to_string(Stage stage) {
  for (const auto& word : words)
    if (word.stage == stage) return word.name;
  return "none";
}

std::optional<Stage> parse_stage(std::string_view text) {
  for (const auto& word : words)
    if (word.name == text) return word.stage;
  return std::nullopt;
}

std::string_view advice(Stage stage) {
  for (const auto& word : words)
    if (word.stage == stage) return word.advice;
  return "";
}

std::string_view to_string(Confidence confidence) {
  switch (confidence) {
    case Confidence::low:
      return "low";
    case Confidence::medium:
      return "medium";
    case Confidence::high:
      return "high";
  }
  return "low";
}

}  // namespace cube
