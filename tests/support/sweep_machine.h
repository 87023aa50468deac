// SweepMachine: an appliance in memory whose power can fail at every instant, for the power-cut
// sweep. The fakes hold the semantics of the ports and throw Violation when the agent breaks a
// promise of docs/protocol.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "agent/updater.h"
#include "tests/support/power.h"

namespace cube {

enum class LoaderKind { grub, systemd_boot };
// What the new release does when it is started.
enum class Fate { good, sick, hangs, panics, cannot_migrate, foreseen };

struct Scenario {
  LoaderKind loader = LoaderKind::grub;
  Fate fate = Fate::good;
  bool leaves_evidence = false;  // a panic is found in pstore afterwards
  bool reset_late = false;       // somebody resets a hung machine only after the deadline
  int tries = 3;
  bool in_window = false;      // the trial waits for a window that opens later
  bool fetches_first = false;  // downloads ahead; when that is done, the source is gone for ever
  bool has_bmc = false;        // its watchdog ends a hang
  bool long_outages = false;   // power comes back only after every deadline; the BMC tells
  bool migrates = false;       // two hooks
  bool sick_before = false;    // a check fails in every boot, also before the update
  bool holds_first = false;    // a hook says no to the restart the first time
  // Instead of an update: the new release is in the other slot already, and fails on purpose.
  Rehearsal rehearsal = Rehearsal::none;
};

struct Violation {
  std::string what;
};

// What a slot's bytes are worth.
struct SlotContent {
  std::string release;  // manifest digest of what it was filled with; "" while torn
  std::optional<Seal> seal;
};

// Everything that survives a power cut.
struct Disk {
  SlotId fallback = SlotId::a;
  std::optional<Trial> trial;
  bool offered = false;
  SlotContent a, b;
  std::string kept_manifest;  // digest of the one that the staging folder holds
  std::string looked_at;  // manifest digest of what somebody looked ahead into last
  std::string staged;  // manifest digest of what the staging folder holds whole; "" while torn
  Journal journal;
  bool panic_record = false;
  struct {
    std::uint64_t attempt = 0;  // that the watchdog was started for; 0: none
    bool running = false;
    bool expired = false;
    bool power_came_back = false;  // the cause of the last start
  } bmc;
  int migrated = 0;                 // hooks that ended well
  int asked_to_restart = 0;         // how often the hooks before the restart were asked
  bool green = false, red = false;  // these hooks have run
  SlotContent& at(SlotId slot) { return slot == SlotId::a ? a : b; }
};

class SweepMachine {
 public:
  SweepMachine(Scenario scenario, const Verified<Release>& old_release,
               const Verified<Release>& new_release, std::vector<int> cuts);

  // Operator and machine until nothing moves any more. Throws Violation.
  void play();

  [[nodiscard]] const Disk& disk() const { return disk_; }
  [[nodiscard]] const Power& power() const { return power_; }
  // Starts that the loader counted, also those that a cut ended before the kernel ran.
  [[nodiscard]] int trial_starts() const { return trial_starts_; }
  // How often the last migration ended well.
  [[nodiscard]] int last_migrations() const { return last_migrations_; }

 private:
  friend struct SweepPorts;
  void boot();                  // the loader's turn; throws PowerCut
  bool run_agent(Wish wish);    // true when the machine was asked to restart
  bool live();                  // one boot's life after the loader; true when it restarts
  bool work();                  // the same, when its kernel and userspace are well
  void hang();
  void panic();
  void check_promises() const;  // at every instant
  [[nodiscard]] int migrations_left() const;

  Scenario scenario_;
  const Verified<Release>& old_release_;
  const Verified<Release>& new_release_;
  Power power_;
  bool source_gone_ = false;
  Disk disk_;
  SlotId booted_ = SlotId::a;
  bool trial_boot_ = false;
  bool healthy_in_this_boot_ = false;
  int boots_ = 0;
  int trial_starts_ = 0;
  int last_migrations_ = 0;
  UnixSeconds now_ = 1'700'000'000;
  UnixSeconds opens_ = 1'700'000'200;  // the window
  Floor highest_floor_;
};

}  // namespace cube
