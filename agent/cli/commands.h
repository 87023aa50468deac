// The commands of cube-update. Each returns the process's exit code or an Error, whose code maps to
// one (exit_code.h); main() prints the error as one sentence.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"

namespace cube::cli {

struct Common {
  std::string root = "/";  // --root
  bool json = false;       // --json
};

struct ApplyOptions {
  std::string release;  // "" = the newest suitable one
  std::string from;     // "" = the configured source
  bool no_reboot = false;
  bool allow_downgrade = false;          // needs `release`
  bool past_floor = false;               // also one that cannot read the state here
  bool accept_stale = false;             // believe expired metadata
  bool out_of_turn = false;    // without a place at the cluster's gate
  bool allow_blocked = false;            // also one that the fleet's plan blocks
  // Chosen by the fleet's plan, which also says when it restarts; needs `release`.
  bool planned = false;
  int tries = 0;                         // 0 = as configured
  bool in_window = false;                // restart in a maintenance window only
  std::string at;                        // restart not before; "" = at once
  std::optional<std::int64_t> max_rate;  // KiB/s, 0 = no limit; nullopt = as configured
  std::string through;                   // socket of the fetch service; "" = this process asks
};

// `drift`: "quick" or "full": also whether what runs is still what its release brought; exit_refused:
// it is not. "": not asked.
Result<int> status(const Common& common, const std::string& drift = "");
struct LookOptions {
  std::string from;           // "" = the configured source
  bool accept_stale = false;  // believe expired metadata
  std::string through;        // socket of the fetch service; "" = this process asks
};

Result<int> check(const Common& common, const LookOptions& options);
// What a repository or a single document is, who signed it, until when, and what this machine makes
// of it. Changes nothing. `what`: a URL, a folder or a file; "" = the configured source.
Result<int> verify(const Common& common, const std::string& what, const LookOptions& options);
Result<int> apply(const Common& common, const ApplyOptions& options);
// Downloads what apply() would, for a later apply(). `no_reboot` and `tries` mean nothing here.
Result<int> fetch(const Common& common, const ApplyOptions& options);
// Gives up what fetch() downloaded.
Result<int> drop_download(const Common& common);
// What the timer runs: lets a staged update begin whose time has come; otherwise looks for a
// release, if that is due, and does with it what schedule.automatic says.
Result<int> automatic(const Common& common);
Result<int> commit(const Common& common);
struct RollbackOptions {
  bool now = false;         // reboot at once
  bool carry_etc = false;   // a return takes along what was changed in /etc meanwhile
  bool past_floor = false;  // a return to a release that cannot read the state here
};
Result<int> rollback(const Common& common, const RollbackOptions& options);
// What is different in /etc from what the running release brought, and where a staged update's
// release changed the same.
Result<int> config_diff(const Common& common);
struct DiffOptions {
  std::string one, two;  // places (find_inventory.h); "" both: running against the other slot
  std::string from;      // repository of a release that is only offered; "" = the configured one
  std::string html;      // file for a page; "-": standard output
  bool all = false;      // lists in full
};
// What one release changes against another, and first what this machine uses of it.
Result<int> diff(const Common& common, const DiffOptions& options);
// Would the release in the other slot work here, and may it? exit_refused: something speaks against
// it.
Result<int> preflight(const Common& common, bool in_virtual_machine);
Result<int> history(const Common& common);
// Why an update failed: the last one that did, or the one with this number. `from`: instead, what a
// log or a folder of records says that was brought from another machine; needs no appliance.
Result<int> why(const Common& common, std::uint64_t attempt, const std::string& from);
// Which deaths of a trial this machine survives by itself. exit_refused: it lacks what the policy
// demands, or no update could be armed.
struct DoctorOptions {
  bool offline = false;    // do not ask the source
  bool read_back = false;  // read all of the other slot: takes minutes
};
Result<int> doctor(const Common& common, const DoctorOptions& options);
struct RehearsalOptions {
  std::string how;         // "panic", "hang", "sick"; "" = no rehearsal
  bool attended = false;   // also where nobody knows whether the machine comes back by itself
  bool no_reboot = false;  // arm it, and leave the restart to the operator
};
// Boots the other slot once, has it fail, and times the return.
Result<int> rehearse(const Common& common, const RehearsalOptions& options);
// The facts for Prometheus (docs/operations.md). `file`: where to, whole or not at all; "" = standard
// output.
Result<int> metrics(const Common& common, const std::string& file);
Result<int> deny(const Common& common, const std::string& release, const std::string& reason);
Result<int> allow(const Common& common, const std::string& release);
Result<int> config_show(const Common& common);
Result<int> config_check(const Common& common);
// At every boot: settles what the reboot left open; on a trial boot waits until it is settled.
Result<int> resume(const Common& common);
// For image builders: lays a release out in a plain folder, as the first content of a slot.
Result<int> install_slot(const Common& common, const std::string& folder, const std::string& from,
                         const std::string& release, const std::string& trusted_root);

// A repository or a file as it was named: a URL as it is, a path made absolute; "" stays "".
[[nodiscard]] std::string absolute_place(const std::string& place);

}  // namespace cube::cli
