// Participant: one machine's part in the rollouts of its cluster: takes a place at the gate before
// the restart, looks once more before it leaves, gives the place back when it is healthy again or
// has failed, and watches that nobody is away for too long. Those that wait leave a ticket, by
// which each knows how many stand before it and asks the less often; it decides nothing.
//
// Everything is remembered before it is asked for (memory.h) and repeatable: an answer that is
// lost, an agent or a machine that dies at any point only delays. Nothing here is needed to boot,
// to commit or to roll back. A place never runs out: who does not come back is found overdue by the
// others, and the rollout halts. Keys: docs/formats/gate.md. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "agent/fleet/ending.h"
#include "agent/fleet/key_value_store.h"
#include "agent/fleet/memory.h"
#include "agent/fleet/node_record.h"
#include "base/clock.h"
#include "model/fleet/gate.h"

namespace cube::fleet {

// Who this machine is in its cluster.
struct Member {
  std::string cluster;  // a name, as of model/name.h; of the keys
  std::string node;     // a name that no other machine of the cluster has
  std::string domain;
  std::set<std::string> roles;
  std::string hardware;
  std::uint32_t order = default_order;
};

// What a place is wanted for.
struct Turn {
  std::uint64_t attempt = 0;
  std::string rollout;
  std::string release;
  PlanMark plan;
  Limits limits;
  bool canary = false;        // of its cluster; those of fleet.order 0 are anyway
  bool renews_store = false;  // InOrder::renews_store
};

struct ParticipantPorts {
  KeyValueStore& store;
  FleetMemoryStore& memory;
  const Clock& clock;
  std::function<std::uint64_t()> random;
  // Lets this machine take on work again, and says whether the cluster can do without the next one;
  // asked before a place is given back, as often as it takes. Errors: refused (why not yet),
  // failed.
  std::function<Status()> back_to_work;
  // Whether this machine leads the cluster's store; asked only of those that run it. Errors: as
  // KeyValueStore::read.
  std::function<Result<bool>()> leads_store = [] { return Result<bool>(false); };
};

class Participant {
 public:
  // `boot_id` of the running boot. The ports outlive it.
  Participant(ParticipantPorts ports, Member member, std::string boot_id)
      : ports_(std::move(ports)), member_(std::move(member)), boot_id_(std::move(boot_id)) {}

  // Why the machine may not restart into this trial now; "": a place is held, seen at the gate in
  // this very call, and nothing has stopped. Takes the place if it may, and gives one back that
  // must not be used. Errors: unreachable, untrusted, corrupt, no_space, failed: it may not.
  Result<std::string> ask(const Turn& turn);

  // Gives the place back, if there is one and the update has ended, once the machine is back to
  // work and the cluster is healthy; a failure is told at once, and where that is so already, in
  // one step with the giving back. What remains to be waited for, one line; "": nothing. Errors: as
  // ask(); then it is to be called again.
  Result<std::string> settle(const Ending& ending, const Limits& limits);

  // Looks at the gate, unless that was done a short time ago: halts what has to be halted. Errors:
  // as ask().
  Status observe(const Limits& limits);

  // Shows the others what becomes of this machine, if that is not what they see already; what it
  // says, without anything else, once in an hour. Errors: as ask().
  Status show(const NodeStatus& status);

  // The update that a place is held or asked for; nullopt: none. Errors: as FleetMemoryStore::load.
  [[nodiscard]] Result<std::optional<Place>> place() const;
  // What the cluster said last, one line; "": nothing is in the way. Errors: the same.
  [[nodiscard]] Result<std::string> told() const;
  // Releases that the gate blocked when it was seen last, and why. Errors: the same.
  [[nodiscard]] Result<std::map<std::string, std::string>> blocked() const;
  // The same, seen now. Remembers nothing, so it may be asked while another process acts for this
  // machine. Errors: as KeyValueStore::read.
  [[nodiscard]] Result<std::map<std::string, std::string>> blocked_now() const;

 private:
  struct View {
    Reading reading;
    GateFacts facts;
    std::vector<Entry> queue;
  };
  [[nodiscard]] std::string key(const std::string& below) const;
  [[nodiscard]] std::string gate_key(const std::string& below) const;
  [[nodiscard]] Moment now() const { return {boot_id_, ports_.clock.uptime()}; }
  [[nodiscard]] View view_of(Reading reading) const;
  Result<FleetMemory> remembered();
  Result<View> look(FleetMemory& memory);
  Status watch_others(FleetMemory& memory, const View& view, const Limits& limits);
  Status note(FleetMemory& memory, const Reading& reading);
  Status note_blocked(FleetMemory& memory, const GateFacts& facts);
  Status restore_place(FleetMemory& memory, View& view);
  Status drop_stray(const FleetMemory& memory, const View& view);
  [[nodiscard]] bool is_wary(const FleetMemory& memory, const Limits& limits) const;
  Result<std::string> look_once_more(FleetMemory& memory, const View& view, const Candidate& me);
  [[nodiscard]] Transaction taking(const FleetMemory& memory, const View& view,
                                   const Turn& turn) const;
  Result<std::string> take(FleetMemory& memory, View view, Candidate me, const Turn& turn);
  Result<std::string> goes_after_whom(const View& view, const Candidate& me, const Turn& turn);
  [[nodiscard]] std::string ticket_key(const std::string& rollout) const;
  [[nodiscard]] std::size_t before_me(const View& view, const std::string& rollout) const;
  [[nodiscard]] Seconds first_back_in(const FleetMemory& memory, Seconds one_turn) const;
  Status wait_in_line(FleetMemory& memory, const View& view, const Turn& turn);
  Status ask_again_in(FleetMemory& memory, Seconds time);
  Status leave_queue(FleetMemory& memory);
  Result<std::string> taken(FleetMemory& memory, const View& view, const Turn& turn);
  Result<std::uint64_t> finished(const GateFacts& facts, const std::string& rollout);
  Status give_back(FleetMemory& memory, const std::vector<Change>& with);
  Status forget_place(FleetMemory& memory);
  Status report_failure(FleetMemory& memory, const Ending& ending, bool and_give_back);
  Result<std::string> settle_seen(FleetMemory& memory, const Ending& ending, const Limits& limits);
  Status halt(const std::string& reason);
  Status halt_if_needed(const GateFacts& facts, const std::string& rollout, const Limits& limits);
  Status report_overdue(const Holder& holder);
  [[nodiscard]] bool is_shown(const FleetMemory& memory, const NodeRecord& record) const;
  Status tell(FleetMemory& memory, const std::string& what);

  ParticipantPorts ports_;
  Member member_;
  std::string boot_id_;
};

}  // namespace cube::fleet
