#include "agent/fleet/operator_acts.h"

#include <algorithm>

#include "base/digest.h"
#include "base/json.h"
#include "model/fleet/gate_entries.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t kept_entries = 1000;  // of the log
constexpr std::size_t max_text = 200;

std::string cut(const std::string& text) {
  return text.substr(0, max_text);
}

Status check_name(const std::string& name, const char* what) {
  if (is_safe_name(name)) return ok();
  return Error{Errc::invalid, std::string(what) + ": letters, digits and ._+- only"};
}

Result<LogEntry> read_entry(const std::string& value) {
  CUBE_TRY(const auto json, Json::parse(value));
  LogEntry entry;
  CUBE_TRY(const auto at, json.unsigned_at("at"));
  entry.at = static_cast<UnixSeconds>(std::min<std::uint64_t>(at, last_second));
  CUBE_TRY(entry.act, json.string_at("act"));
  CUBE_TRY(entry.reason, json.string_at("reason"));
  CUBE_TRY(entry.by, json.string_at("by"));
  return entry;
}

// Clocks differ; the store knows what came first.
void sort_by_age(Reading& reading) {
  std::sort(reading.entries.begin(), reading.entries.end(),
            [](const Entry& left, const Entry& right) { return left.created < right.created; });
}

}  // namespace

std::string OperatorActs::gate_key(const std::string& below) const {
  return "/cube-update/v1/" + cluster_ + "/gate/" + below;
}

Change OperatorActs::entry(const std::string& act, const std::string& reason) const {
  const auto now = clock_.now();
  const std::uint64_t number = random_();
  return {
      Change::Kind::put,
      "/cube-update/v1/" + cluster_ + "/audit/" + format_utc(now) + "-" +
          to_hex(&number, sizeof number),
      Json(Json::Object{{"at", now}, {"act", cut(act)}, {"reason", cut(reason)}, {"by", cut(by_)}})
          .line()};
}

Status OperatorActs::act(Transaction transaction, const std::string& act, const std::string& reason,
                         Errc otherwise, const std::string& why_not) {
  transaction.changes.push_back(entry(act, reason));
  auto outcome = store_.commit(transaction);
  // Taking away must be possible in a store that takes no more, if only unlogged.
  const bool erases = std::all_of(transaction.changes.begin(), transaction.changes.end() - 1,
                                  [](const Change& c) { return c.kind == Change::Kind::erase; });
  if (!outcome && outcome.error().code == Errc::no_space && erases) {
    transaction.changes.pop_back();
    outcome = store_.commit(transaction);
  }
  if (!outcome) return std::move(outcome).error();
  if (!outcome->done) return Error{otherwise, why_not};
  return ok();
}

Status OperatorActs::stop(const char* name, const std::string& what, const std::string& reason) {
  const auto key = gate_key(name);
  const Notice notice{reason, by_, clock_.now()};
  return act(
      {{{Condition::Kind::created_at, key, 0}}, {{Change::Kind::put, key, render(notice)}}, ""},
      what, reason, Errc::nothing_to_do,
      "cluster " + cluster_ + " is stopped by a " + what + " already");
}

Status OperatorActs::pause(const std::string& reason) {
  return stop(pause_name, "pause", reason);
}
Status OperatorActs::halt(const std::string& reason) {
  return stop(halt_name, "halt", reason);
}

Status OperatorActs::resume(const std::string& reason, bool accept_failures) {
  CUBE_TRY(auto reading, store_.read(gate_key("")));
  Transaction away;
  const auto failures = gate_key("fail/");
  // The failures go first: were it the halt, a machine between two steps would halt again.
  for (const auto& entry : reading.entries) {
    if (!accept_failures || !entry.key.starts_with(failures)) continue;
    away.conditions.push_back({Condition::Kind::created_at, entry.key, entry.created});
    away.changes.push_back({Change::Kind::erase, entry.key, ""});
    if (away.changes.size() + 4 < max_parts) continue;
    CUBE_CHECK(act(std::move(away), "accept failures", reason, Errc::busy,
                   "the failures changed meanwhile; look again with `cube-update fleet status`"));
    away = {};
  }
  for (const auto& entry : reading.entries)
    if (entry.key == gate_key(halt_name) || entry.key == gate_key(pause_name)) {
      away.conditions.push_back({Condition::Kind::created_at, entry.key, entry.created});
      away.changes.push_back({Change::Kind::erase, entry.key, ""});
    }
  if (away.changes.empty())
    return Error{Errc::nothing_to_do, "cluster " + cluster_ + " is neither paused nor halted"};
  return act(std::move(away), accept_failures ? "resume, failures accepted" : "resume", reason,
             Errc::busy, "the gate changed meanwhile; look again with `cube-update fleet status`");
}

// Erases a key as it was read; nothing_to_do: it is not there.
Status OperatorActs::take_away(const std::string& key, const std::string& what,
                               const std::string& reason, const std::string& absent,
                               const std::string& changed) {
  CUBE_TRY(const auto reading, store_.read(key));
  for (const auto& entry : reading.entries)
    if (entry.key == key)
      return act({{{Condition::Kind::created_at, key, entry.created}},
                  {{Change::Kind::erase, key, ""}},
                  ""},
                 what, reason, Errc::busy, changed);
  return Error{Errc::nothing_to_do, absent};
}

Status OperatorActs::unlock(const std::string& node, const std::string& reason) {
  CUBE_CHECK(check_name(node, "name of a machine"));
  return take_away(gate_key(holder_name(node)), "unlock " + node, reason,
                   node + " holds no place in cluster " + cluster_,
                   node + " gave its place back and took another meanwhile");
}

Status OperatorActs::block(const std::string& release, const std::string& reason) {
  CUBE_CHECK(check_name(release, "name of a release"));
  const Notice notice{reason, by_, clock_.now()};
  return act({{}, {{Change::Kind::put, gate_key(blocked_name(release)), render(notice)}}, ""},
             "block " + release, reason, Errc::failed, "the store refuses what has no condition");
}

Status OperatorActs::unblock(const std::string& release, const std::string& reason) {
  CUBE_CHECK(check_name(release, "name of a release"));
  return take_away(gate_key(blocked_name(release)), "unblock " + release, reason,
                   release + " is not blocked in cluster " + cluster_,
                   release + " was blocked anew meanwhile");
}

Status OperatorActs::abort(const std::string& release, const std::string& reason) {
  CUBE_CHECK(check_name(release, "name of a release"));
  const auto halt = gate_key(halt_name);
  CUBE_TRY(const auto reading, store_.read(halt));
  const Notice notice{reason, by_, clock_.now()};
  Transaction end{{{Condition::Kind::created_at, halt, 0}},
                  {{Change::Kind::put, gate_key(blocked_name(release)), render(notice)}},
                  ""};
  for (const auto& entry : reading.entries) {
    if (entry.key != halt) continue;
    end.conditions.front().revision = entry.created;
    end.changes.push_back({Change::Kind::erase, halt, ""});
  }
  return act(std::move(end), "abort " + release, reason, Errc::busy,
             "the cluster was halted or resumed meanwhile; look again with `cube-update fleet "
             "status`");
}

Status OperatorActs::forget(const std::string& node, const std::string& reason) {
  CUBE_CHECK(check_name(node, "name of a machine"));
  const std::string cluster = "/cube-update/v1/" + cluster_ + "/";
  const auto queue = cluster + "gate-queue/", record = cluster + "node/" + node;
  const auto place = gate_key(holder_name(node));
  CUBE_TRY(const auto tickets, store_.read(queue));
  CUBE_TRY(const auto records, store_.read(record));
  Transaction away{{{Condition::Kind::created_at, place, 0}}, {}, ""};
  for (const auto& entry : records.entries)
    if (entry.key == record) away.changes.push_back({Change::Kind::erase, record, ""});
  for (const auto& entry : tickets.entries)
    if (entry.key.ends_with("/" + node) && away.changes.size() + 2 < max_parts)
      away.changes.push_back({Change::Kind::erase, entry.key, ""});
  if (away.changes.empty())
    return Error{Errc::nothing_to_do, "cluster " + cluster_ + " knows no machine " + node};
  return act(std::move(away), "forget " + node, reason, Errc::busy,
             node + " holds a place; take that away first with `cube-update fleet unlock`");
}

Status OperatorActs::set(const std::vector<std::string>& assignments, const std::string& reason) {
  const auto key = gate_key(policy_name);
  CUBE_TRY(const auto reading, store_.read(key));
  LimitsWish limits;
  Revision created = 0;
  for (const auto& entry : reading.entries) {
    if (entry.key != key) continue;
    created = entry.created;
    // What makes no sense stops the cluster; setting it anew is the way out.
    GateFacts facts;
    take_gate_entry(facts, policy_name, entry.value, entry.created);
    limits = facts.policy;
  }
  std::string what = "set";
  for (const auto& assignment : assignments) {
    CUBE_TRY(const auto wish, read_limit(assignment));
    limits = with(limits, wish);
    what += " " + assignment;
  }
  return act({{{Condition::Kind::created_at, key, created},
               {Condition::Kind::untouched_since, key, reading.revision}},
              {{Change::Kind::put, key, render(limits)}},
              ""},
             what, reason, Errc::busy, "somebody else sets the limits; look again");
}

std::vector<LogEntry> log_in(Reading reading) {
  sort_by_age(reading);
  std::vector<LogEntry> entries;
  for (const auto& one : reading.entries)
    if (auto entry = read_entry(one.value)) entries.push_back(std::move(*entry));
  return entries;
}

Result<std::vector<LogEntry>> OperatorActs::log(std::size_t most) {
  CUBE_TRY(auto reading, store_.read("/cube-update/v1/" + cluster_ + "/audit/"));
  sort_by_age(reading);
  auto entries = log_in(reading);
  if (entries.size() > most)
    entries.erase(entries.begin(), entries.end() - static_cast<std::ptrdiff_t>(most));
  Transaction old;
  for (std::size_t i = 0; i + kept_entries < reading.entries.size() && i < max_parts; ++i)
    old.changes.push_back({Change::Kind::erase, reading.entries[i].key, ""});
  if (!old.changes.empty()) CUBE_CHECK(store_.commit(old));
  return entries;
}

}  // namespace cube::fleet
