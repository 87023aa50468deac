// What an operator does to the rollouts of a cluster: each act in one step with its entry in the
// cluster's log. They only restrict, or take a restriction of the cluster's own away; none can make
// a machine take a release that its plan, its windows or its signatures forbid.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/fleet/key_value_store.h"
#include "base/clock.h"
#include "model/fleet/gate.h"

namespace cube::fleet {

// One line of the log: audit/TIME-NUMBER.
struct LogEntry {
  UnixSeconds at = 0;
  std::string act;  // "pause", "unlock n7", ...
  std::string reason;
  std::string by;

  friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

// In the order of the store, the newest last; what makes no sense is left out.
[[nodiscard]] std::vector<LogEntry> log_in(Reading reading);

class OperatorActs {
 public:
  // `by`: who, as the log tells it. The references outlive it.
  OperatorActs(KeyValueStore& store, const Clock& clock, std::string cluster, std::string by,
               std::function<std::uint64_t()> random)
      : store_(store),
        clock_(clock),
        cluster_(std::move(cluster)),
        by_(std::move(by)),
        random_(std::move(random)) {}

  // Errors of all: as KeyValueStore; unreachable: look before it is done again.

  // Nothing begins any more. Errors: nothing_to_do (paused already).
  Status pause(const std::string& reason);
  // As after failures. Errors: nothing_to_do (halted already).
  Status halt(const std::string& reason);
  // Ends pause and halt. With `accept_failures` those that failed do not count any more; otherwise
  // the next machine halts again, if there were too many. Errors: nothing_to_do.
  Status resume(const std::string& reason, bool accept_failures);
  // Takes away the place of a machine that does not come back. Errors: nothing_to_do (holds none),
  // busy (it was given back and taken anew meanwhile).
  Status unlock(const std::string& node, const std::string& reason);
  Status block(const std::string& release, const std::string& reason);
  // Errors: nothing_to_do (is not blocked).
  Status unblock(const std::string& release, const std::string& reason);
  // A rollout that will not go on: blocks its release, and ends the halt, if there is one, so that
  // another release may go. Errors: busy (halted or resumed meanwhile).
  Status abort(const std::string& release, const std::string& reason);
  // A machine that is gone for good: it is not waited for any more, and no status shows it. It may
  // come back. Errors: nothing_to_do (not known), busy (it holds a place: unlock it first).
  Status forget(const std::string& node, const std::string& reason);
  // The cluster's own limits, which only narrow the plan's: "max-unavailable=2" and the like.
  // Errors: invalid, busy (somebody else sets them).
  Status set(const std::vector<std::string>& assignments, const std::string& reason);

  // The newest last, at most `most`. Errors: as KeyValueStore.
  Result<std::vector<LogEntry>> log(std::size_t most);

 private:
  [[nodiscard]] std::string gate_key(const std::string& below) const;
  [[nodiscard]] Change entry(const std::string& act, const std::string& reason) const;
  Status stop(const char* name, const std::string& act, const std::string& reason);
  Status take_away(const std::string& key, const std::string& what, const std::string& reason,
                   const std::string& absent, const std::string& changed);
  Status act(Transaction transaction, const std::string& act, const std::string& reason,
             Errc otherwise, const std::string& why_not);

  KeyValueStore& store_;
  const Clock& clock_;
  std::string cluster_;
  std::string by_;
  std::function<std::uint64_t()> random_;
};

}  // namespace cube::fleet
