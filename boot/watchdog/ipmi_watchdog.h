// IpmiWatchdog: the watchdog timer of the BMC, with use "OS Load" and action "hard reset". The BMC
// counts whatever happens to the machine: firmware, loader, kernel and initramfs of the trial are
// covered.
//
// STATE/boot-times has how long earlier restarts took, told by the timer itself: no clock of ours
// runs through a restart. STATE/watchdog notes for which attempt the timer was started, for how
// long, and where the event log ended: it is durable before the timer starts, so whoever finds the
// timer running knows whose it is. A timer with another use than OS Load was taken over by somebody
// else and is left alone. While there is a note, a BMC without a driver is waited for: at most 30
// s, in the first minute of a boot.
#pragma once

#include <optional>
#include <string>

#include "base/root_dir.h"
#include "boot/watchdog/boot_times.h"
#include "boot/watchdog/boot_watchdog.h"
#include "boot/watchdog/ipmi_channel.h"
#include "boot/watchdog/ipmi_messages.h"
#include "boot/watchdog/system_event_log.h"

namespace cube {

struct WatchdogConfig {
  WatchdogPolicy policy = WatchdogPolicy::if_present;
  // From leaving for the trial to its first sign of life, firmware included. 0: learned from
  // earlier restarts (boot_times.h).
  Seconds seconds = 0;
};

// What STATE/watchdog says.
struct WatchdogNote {
  std::uint64_t attempt = 0;
  Seconds seconds = 0;
  std::uint8_t stuck = 0;  // signs of expiry that the BMC did not clear: they prove nothing
  bool arrived = false;    // the trial has set it anew: the time of the restart is known
  std::optional<ipmi::LogPosition> log;  // nullopt: this BMC's log cannot be read

  friend bool operator==(const WatchdogNote&, const WatchdogNote&) = default;
};
[[nodiscard]] std::string render_note(const WatchdogNote& note);
// Errors: corrupt.
[[nodiscard]] Result<WatchdogNote> parse_note(std::string_view text);

class IpmiWatchdog final : public BootWatchdog {
 public:
  // `root` and `bmc` outlive it; `state` (var/lib/cube-update) is below the root.
  IpmiWatchdog(const RootDir& root, std::string state, IpmiChannel& bmc, WatchdogConfig config)
      : root_(root),
        state_(std::move(state)),
        bmc_(bmc),
        config_(config),
        times_(root, state_ + "/boot-times") {}

  [[nodiscard]] Status demand() override;
  Status start(std::uint64_t attempt) override;
  Status hold(Seconds seconds) override;
  Status stop() override;
  [[nodiscard]] Evidence evidence(std::uint64_t attempt) const override;
  [[nodiscard]] bool power_was_lost(std::uint64_t attempt) const override;
  Status forget() override;
  Status tell_rollback(std::uint64_t attempt) override;

 private:
  [[nodiscard]] Result<ipmi::WatchdogTimer> timer() const;
  [[nodiscard]] Result<ipmi::WatchdogTimer> awaited_timer() const;
  Status tell(const IpmiRequest& request) const;
  Result<ipmi::WatchdogTimer> set_timer(Seconds seconds) const;
  Status probe() const;
  Status run_timer(std::uint64_t attempt, Seconds seconds, bool arrived) const;
  [[nodiscard]] std::optional<WatchdogNote> note_of(std::uint64_t attempt) const;
  [[nodiscard]] std::string note_path() const { return state_ + "/watchdog"; }
  [[nodiscard]] Seconds allowance() const;  // what a restart is given
  [[nodiscard]] Error lacking(const Error& why) const;

  const RootDir& root_;
  std::string state_;
  IpmiChannel& bmc_;
  WatchdogConfig config_;
  BootTimes times_;
};

}  // namespace cube
