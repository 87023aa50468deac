// Whose turn it is: who goes before a machine, and how long it waits until it asks again.
#include <algorithm>

#include "agent/fleet/participant.h"
#include "model/fleet/order.h"

namespace cube::fleet {
namespace {

constexpr Seconds turns_in_deadline = 6;  // how long a turn takes at least, as a guess

}  // namespace

Result<std::string> Participant::goes_after_whom(const View& view, const Candidate& me,
                                                 const Turn& turn) {
  InOrder mine{member_.order, false, turn.renews_store};
  if (member_.roles.count(store_role) != 0) {
    CUBE_TRY(mine.leads_store, ports_.leads_store());
  }
  const auto folder = key("node/");
  CUBE_TRY(const auto reading, ports_.store.read(folder));
  std::vector<Fellow> fellows;
  for (const auto& entry : reading.entries)
    if (auto one = read_record(entry.key.substr(folder.size()), entry.value))
      fellows.push_back({one->node, one->order, one->status.release, one->roles});
  return goes_after(fellows, view.facts, me, mine);
}

std::string Participant::ticket_key(const std::string& rollout) const {
  return key("gate-queue/" + rollout + "/" + member_.node);
}

std::size_t Participant::before_me(const View& view, const std::string& rollout) const {
  const auto mine = std::find_if(view.queue.begin(), view.queue.end(),
                                 [&](const Entry& one) { return one.key == ticket_key(rollout); });
  const auto folder = key("gate-queue/" + rollout + "/");
  return static_cast<std::size_t>(
      std::count_if(view.queue.begin(), view.queue.end(), [&](const Entry& one) {
        return one.key.starts_with(folder) &&
               (mine == view.queue.end() || one.created < mine->created);
      }));
}

// How long it takes at least until one of those that are away is back, as far as this machine saw.
Seconds Participant::first_back_in(const FleetMemory& memory, Seconds one_turn) const {
  Seconds longest = 0;
  for (const auto& one : memory.watched)
    longest = std::max(longest, ports_.clock.uptime() - one.since.uptime);
  return std::max<Seconds>(0, one_turn - longest);
}

// Who stands before this machine may be gone for good: that only makes it ask less often.
Status Participant::wait_in_line(FleetMemory& memory, const View& view, const Turn& turn) {
  if (memory.queued != turn.rollout) {
    std::vector<Change> changes{{Change::Kind::put, ticket_key(turn.rollout), "{}"}};
    if (!memory.queued.empty())
      changes.push_back({Change::Kind::erase, ticket_key(memory.queued), ""});
    memory.queued = turn.rollout;
    CUBE_CHECK(ports_.memory.save(memory));
    CUBE_CHECK(ports_.store.commit({{}, std::move(changes), ""}));
  }
  const auto at_once = std::max<std::size_t>(1, view.facts.holders.size());
  const auto turns = static_cast<Seconds>(before_me(view, turn.rollout) / at_once);
  const Seconds one_turn = turn.limits.hold_deadline / turns_in_deadline;
  return ask_again_in(memory, turns * one_turn + first_back_in(memory, one_turn));
}

Status Participant::ask_again_in(FleetMemory& memory, Seconds time) {
  memory.ask_again = now();
  memory.ask_again->uptime += time;
  return ports_.memory.save(memory);
}

Status Participant::leave_queue(FleetMemory& memory) {
  if (!memory.queued.empty())
    CUBE_CHECK(
        ports_.store.commit({{}, {{Change::Kind::erase, ticket_key(memory.queued), ""}}, ""}));
  memory.queued.clear();
  return forget_place(memory);
}

}  // namespace cube::fleet
