// Signs: what firmware, loaders, kernels, initramfs and init systems say about the state of a boot.
// ONE table (signs.cpp). What a sign means for the verdict, stands in verdict.cpp.
#pragma once

#include <bitset>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

namespace cube {

// In order of how far a boot has come.
enum class Sign {
  firmware_begins,     // power on self test, a new start of the machine
  no_boot_device,      // the firmware has nothing to start
  loader_runs,         // a boot loader says its name
  loader_error,        // it complains; many machines do on their way to a good boot
  loader_gives_up,     // no kernel was loaded
  kernel_handed_over,  // the loader or the decompressor let go
  decompressor_dies,
  kernel_begins,      // its first line
  initramfs_broken,   // cannot be unpacked
  initramfs_no_init,  // its init cannot be run
  initramfs_runs,
  initramfs_shell,  // it gave up
  module_absent,
  module_refused,
  probe_failed,
  disk_not_ready,  // link down, device not ready, controller at fault
  root_absent,     // whoever looked for the root says that it is not there
  root_awaited,
  root_panic,  // VFS: Unable to mount root fs
  fs_unknown,
  fs_feature,
  fs_damaged,
  mount_failed,
  init_absent,
  switch_root_failed,
  real_init,    // the root's own init runs
  init_killed,  // panic: init ended
  init_frozen,  // systemd gave up
  oom_panic,
  oom_kill,
  hang_panic,
  lockup,  // a CPU or task is stuck; the kernel goes on
  job_awaited,
  panic,
  oops,
  emergency,  // init stopped in its emergency mode
  unit_failed,
  device_timeout,
  breadcrumb,  // the words of packaging/initramfs/emergency.sh
  mark,        // of a stage that a trial reached (trial_marks.h)
  health_failed,
  trial_rejected,
  goal,
  busy_system,  // what only a system that is up causes the kernel to say
  orderly_end,  // restart, halt, power off, kexec
  power_lost,
  watchdog_reset,
  count,
};
inline constexpr std::size_t sign_count = static_cast<std::size_t>(Sign::count);

struct SignRow {
  Sign sign;
  std::initializer_list<std::string_view> patterns;  // parts between '*' must come in this order
};
[[nodiscard]] std::span<const SignRow> sign_table();
[[nodiscard]] bool fits(std::string_view pattern, std::string_view line);
// A line ends in a login prompt.
[[nodiscard]] bool is_login_prompt(std::string_view line);

// Which pairs of letters a line has, roughly: most patterns are ruled out by one look. A pair that
// is there is never denied.
class LetterPairs {
 public:
  explicit LetterPairs(std::string_view line) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) pairs_.set(number(line[i], line[i + 1]));
  }
  [[nodiscard]] bool may_have(std::string_view part) const {
    return part.size() < 2 || (pairs_[number(part[0], part[1])] &&
                               pairs_[number(part[part.size() - 2], part[part.size() - 1])]);
  }

 private:
  static std::size_t number(char first, char second) {
    return (static_cast<unsigned char>(first) * 61U + static_cast<unsigned char>(second)) % 2048U;
  }
  std::bitset<2048> pairs_;
};

// Calls `found(Sign, pattern)` for each sign in the line.
template <typename Found>
void signs_in(std::string_view line, Found&& found) {
  const LetterPairs pairs(line);
  for (const auto& row : sign_table())
    for (const auto pattern : row.patterns)
      if (pairs.may_have(pattern.substr(0, pattern.find('*'))) && fits(pattern, line)) {
        found(row.sign, pattern);
        break;
      }
  if (is_login_prompt(line)) found(Sign::goal, "login:");
}

}  // namespace cube
