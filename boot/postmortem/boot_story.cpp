#include "boot/postmortem/boot_story.h"

#include <algorithm>

#include "base/mutation.h"
#include "boot/postmortem/diagnosis.h"
#include "boot/postmortem/log_words.h"
#include "boot/postmortem/trial_marks.h"

namespace cube {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// CD drives, floppies and loops say what they like: no root lies there.
bool about_removable(std::string_view text) {
  for (const std::string_view name : {"sr0", "fd0", "dev loop", "[sr0]", "cdrom"})
    if (contains(text, name)) return true;
  return false;
}

// "collector[820]: ...": a program speaks, and may quote an older death.
bool said_by_program(std::string_view text) {
  const auto end = text.find("]: ");
  const auto open = text.find('[');
  return end != std::string_view::npos && open < end && open > 0 && text.find(' ') == end + 2 &&
         text.substr(open + 1, end - open - 1).find_first_not_of("0123456789") ==
             std::string_view::npos;
}

bool is_kernels_word(Sign sign) {
  for (const Sign own : {Sign::kernel_begins, Sign::root_panic, Sign::init_killed, Sign::oom_panic,
                         Sign::oom_kill, Sign::hang_panic, Sign::lockup, Sign::panic, Sign::oops})
    if (sign == own) return true;
  return false;
}

bool is_death(Sign sign) {
  return sign == Sign::panic || sign == Sign::oops;
}

}  // namespace

bool BootStory::has_any(std::initializer_list<Sign> signs) const {
  return std::any_of(signs.begin(), signs.end(), [&](Sign sign) { return has(sign); });
}

bool BootStory::unresolved(Sign sign) const {
  return has(sign) && seen(sign).last > mounted_at_ && !real_init();
}

void BootStory::read(const LogLine& line) {
  ++lines_;
  const auto& text = line.text;
  if (line.time) {
    kernel_spoke_ = true;
    last_time = line.time;
  }
  last_line = text;
  signs_in(text, [&](Sign sign, std::string_view pattern) { note(sign, pattern, text); });
  read_progress(text);
  read_facts(text);
  read_modules(text);
  read_trace(text);
  storage.read(text);
}

void BootStory::note(Sign sign, std::string_view pattern, const std::string& text) {
  if ((sign == Sign::fs_damaged || sign == Sign::disk_not_ready || sign == Sign::mount_failed) &&
      about_removable(text))
    return;
  if (is_kernels_word(sign) && said_by_program(text)) return;
  if (sign == Sign::health_failed && contains(text, "cube: commit exit 0")) return;
  if (sign == Sign::health_failed && contains(text, "health checks failed: 0")) return;
  if (sign == Sign::trial_rejected && !trial) return;
  // "error: " is anybody's word once a kernel runs.
  if ((sign == Sign::loader_error || sign == Sign::loader_gives_up) && kernel_spoke_) return;
  if (sign == Sign::real_init) {
    for (const std::string_view other : {"mergency", "escue", "GRUB", "nitramfs", "dracut"})
      if (contains(text, other)) return;
    // An initramfs that leaves its mark in the root makes it writable for that.
    if (pattern == "re-mounted" && !reached.empty() && !mutated("remount-is-init")) return;
    if (pattern.starts_with("Welcome") && !text.starts_with("Welcome to ")) return;
    if (real_init_at_ == 0) real_init_at_ = lines_;
  }
  // Names of the modules of kernel and initramfs, in the words of others.
  if (sign == Sign::module_refused && contains(text, "PKCS#7 signature not signed")) return;
  auto& sighting = sightings_[static_cast<std::size_t>(sign)];
  if (sighting.count++ == 0) {
    sighting.first = lines_;
    sighting.text = text;
  }
  sighting.last = lines_;
  if (is_death(sign)) {
    const bool new_death = sign == Sign::panic && panic.find("panic") == std::string::npos &&
                           lines_ - seen(Sign::oops).last > 200;
    if (!dying_ || new_death) {
      trace.clear();
      oops_module.clear();
    }
    dying_ = true;
    kernel_spoke_ = true;
    const auto at = text.find(sign == Sign::panic ? pattern : pattern.substr(0, pattern.find('*')));
    const bool better = panic.empty() || (sign == Sign::panic && !contains(panic, "anic"));
    if (better) panic = text.substr(at == std::string::npos ? 0 : at, max_line);
  }
  if (sign == Sign::kernel_begins || sign == Sign::initramfs_runs) kernel_spoke_ = true;
}

void BootStory::read_progress(const std::string& text) {
  if (contains(text, "Running in initrd") || contains(text, "Running in initial RAM disk") ||
      (text.starts_with("Welcome to") && contains(text, "nitramfs")))
    real_init_at_ = 0;
  // The kernel asks for the root's init itself when there is no initramfs.
  if (contains(text, "Run /") && contains(text, " as init process") &&
      !contains(text, "Run /init ") && real_init_at_ == 0)
    real_init_at_ = lines_;
  for (const std::string_view done :
       {"mounted filesystem", "VFS: Mounted root", "Ending clean mount", "Mounted sysroot.mount",
        "Mounted /sysroot"})
    if (contains(text, done)) mounted_at_ = lines_;
  read_marks(text);
}

// Only a trial leaves marks.
void BootStory::read_marks(const std::string& text) {
  if (!has(Sign::mark) || seen(Sign::mark).last != lines_) return;
  for (const auto& mark : marks_in(text)) {
    trial = true;
    if (rank_of_stage(mark.stage) >= rank_of_stage("root-mounted")) mounted_at_ = lines_;
    if (rank_of_stage(mark.stage) > rank_of_stage(reached)) reached = mark.stage;
  }
}

void BootStory::read_facts(const std::string& text) {
  if (kernel.empty() || contains(text, "Linux version ")) {
    if (auto name = kernel_in(text); !name.empty()) kernel = name.substr(0, max_line);
  }
  if (contains(text, "ommand line:") || contains(text, "BOOT_IMAGE=")) {
    if (root.empty()) root = argument_in(text, "root");
    if (contains(text + " ", "cube.trial=1 ")) trial = true;
    if (filesystem.empty()) filesystem = argument_in(text, "rootfstype");
  }
  // A device that fails the boot, and not any that is named.
  static constexpr Sign about_device[] = {Sign::root_absent, Sign::root_awaited, Sign::mount_failed,
                                          Sign::breadcrumb};
  const bool device_line =
      std::any_of(std::begin(about_device), std::end(about_device),
                  [&](Sign sign) { return has(sign) && seen(sign).last == lines_; });
  if (device_line && device_told.empty()) device_told = device_in(text);
  static constexpr Sign about_filesystem[] = {Sign::fs_unknown, Sign::fs_feature, Sign::fs_damaged};
  const bool filesystem_line =
      std::any_of(std::begin(about_filesystem), std::end(about_filesystem),
                  [&](Sign sign) { return has(sign) && seen(sign).last == lines_; });
  if (filesystem_line)
    if (auto name = filesystem_in(text); !name.empty()) filesystem = name;
}

void BootStory::read_modules(const std::string& text) {
  const auto keep = [&](Sign sign, std::string& module) {
    if (!has(sign) || seen(sign).last != lines_) return;
    const auto name = module_in(text);
    if (name.empty()) return;
    const bool tells = is_storage_module(name) || is_filesystem_module(name);
    const bool told = is_storage_module(module) || is_filesystem_module(module);
    if (module.empty() || (tells && !told)) module = name;
  };
  keep(Sign::module_refused, refused_module);
  keep(Sign::module_absent, absent_module);
  if (refused_module.empty()) keep(Sign::probe_failed, refused_module);
}

// Of the first death: the function that died, and those that called it.
void BootStory::read_trace(const std::string& text) {
  if (!dying_) return;
  const bool begins = text.starts_with("Call Trace:") || text.starts_with("Call trace:");
  if (begins) in_trace_ = trace.size() <= 1;
  for (const std::string_view place : {"RIP: 0010:", "pc : ", "PC is at "}) {
    const auto at = text.find(place);
    if (at == std::string::npos || !trace.empty()) continue;
    auto where = std::string_view(text).substr(at + place.size());
    while (where.starts_with(' ')) where.remove_prefix(1);
    const auto frame = frame_in(where);
    if (frame.function.empty()) continue;
    trace.push_back(frame.function.substr(0, max_line));
    if (oops_module.empty()) oops_module = frame.module;
  }
  if (!in_trace_ || begins) return;
  if (text.starts_with("</TASK>") || text.starts_with("---[ end") || text.starts_with("RIP: ") ||
      text.starts_with("Code: ") || text.starts_with("Kernel Offset")) {
    in_trace_ = text.starts_with("RIP: 0010:") && trace.empty();
    return;
  }
  const auto frame = frame_in(text);
  if (frame.function.empty() || trace.size() >= max_trace) return;
  trace.push_back(frame.function);
  if (oops_module.empty()) oops_module = frame.module;
}

}  // namespace cube
