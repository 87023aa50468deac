#include "model/fleet/gate_entries.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>

#include "base/digest.h"
#include "base/json.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_text = 200;  // bytes
constexpr std::size_t max_roles = 8;

// One number of Limits: its name in JSON and for `set`, and what it may be.
struct Number {
  const char* name;
  std::uint64_t least, most;
  std::uint64_t (*get)(const Limits&);
  void (*set)(Limits&, std::uint64_t);
};

#define CUBE_NUMBER(member, least, most)                                        \
  Number {                                                                      \
#member, least, most,                                                         \
        [](const Limits& l) { return static_cast<std::uint64_t>(l.member); },     \
        [](Limits& l, std::uint64_t n) { l.member = static_cast<decltype(l.member)>(n); } \
  }
constexpr std::array numbers{
    CUBE_NUMBER(max_unavailable, 1, 1000),   CUBE_NUMBER(fail_count, 1, 1000),
    CUBE_NUMBER(fail_percent, 1, 100),       CUBE_NUMBER(fail_min_sample, 1, 100000),
    CUBE_NUMBER(hold_deadline, 600, 604800), CUBE_NUMBER(one_domain, 0, 1),
    CUBE_NUMBER(by_hardware, 0, 1)};
#undef CUBE_NUMBER

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

// At most max_text bytes of printable ASCII.
std::string plain(std::string text) {
  text.resize(std::min(text.size(), max_text));
  for (auto& c : text)
    if (c < ' ' || c > '~') c = '?';
  return text;
}

bool is_plain(const std::string& text) {
  return text == plain(text);
}

Result<std::string> text_at(const Json& json, const char* key) {
  CUBE_TRY(auto text, json.string_at(key));
  if (!is_plain(text)) return corrupt(std::string(key) + ": too long, or not printable");
  return text;
}

// A name, or "" where that has a meaning.
Result<std::string> name_at(const Json& json, const char* key, bool may_be_empty = false) {
  CUBE_TRY(auto name, json.string_at(key));
  if (!is_safe_name(name) && !(may_be_empty && name.empty()))
    return corrupt(std::string(key) + ": not a name");
  return name;
}

Result<UnixSeconds> time_at(const Json& json, const char* key) {
  CUBE_TRY(const auto time, json.unsigned_at(key));
  constexpr std::uint64_t latest = 253402300799;  // in the year 9999
  if (time > latest) return corrupt(std::string(key) + ": not a time");
  return static_cast<UnixSeconds>(time);
}

// Exactly these members: what is not known may restrict.
Status check_members(const Json& json, std::initializer_list<std::string_view> names) {
  CUBE_TRY(const auto members, json.object());
  for (const auto& [key, member] : members)
    if (std::find(names.begin(), names.end(), key) == names.end())
      return corrupt("an unknown member");
  return ok();
}

Result<Json> parse(std::string_view value) {
  JsonLimits limits;
  limits.max_bytes = max_gate_value;
  limits.max_depth = 3;
  return Json::parse(value, limits);
}

Result<Holder> read_holder(const std::string& node, std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"rollout", "domain", "roles", "nonce", "since"}));
  Holder holder;
  holder.node = node;
  CUBE_TRY(holder.rollout, name_at(json, "rollout"));
  CUBE_TRY(holder.domain, name_at(json, "domain", true));
  CUBE_TRY(holder.nonce, name_at(json, "nonce"));
  CUBE_TRY(holder.since, time_at(json, "since"));
  CUBE_TRY(const auto roles_json, json.member("roles"));
  CUBE_TRY(const auto roles, roles_json.array());
  if (roles.size() > max_roles) return corrupt("too many roles");
  for (const auto& one : roles) {
    CUBE_TRY(auto role, one.string());
    if (!is_safe_name(role)) return corrupt("roles: not a name");
    holder.roles.insert(std::move(role));
  }
  return holder;
}

Result<Notice> read_notice(std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"reason", "by", "at"}));
  Notice notice;
  CUBE_TRY(notice.reason, text_at(json, "reason"));
  CUBE_TRY(notice.by, text_at(json, "by"));
  CUBE_TRY(notice.at, time_at(json, "at"));
  return notice;
}

Result<Failure> read_failure(const std::string& rollout, const std::string& node,
                             std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"release", "why", "stage", "hardware", "canary"}));
  Failure failure;
  failure.rollout = rollout;
  failure.node = node;
  CUBE_TRY(failure.release, name_at(json, "release", true));
  CUBE_TRY(failure.why, text_at(json, "why"));
  CUBE_TRY(failure.stage, name_at(json, "stage", true));
  CUBE_TRY(failure.hardware, name_at(json, "hardware", true));
  CUBE_TRY(const auto canary, json.member("canary"));
  CUBE_TRY(failure.canary, canary.boolean());
  return failure;
}

Result<PlanMark> read_mark(std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"serial", "sha256"}));
  PlanMark mark;
  CUBE_TRY(mark.serial, json.unsigned_at("serial"));
  CUBE_TRY(mark.sha256, json.string_at("sha256"));
  if (!is_sha256_hex(mark.sha256)) return corrupt("sha256: not a digest");
  return mark;
}

template <typename T>
Status put_into(std::optional<T>& place, Result<T> found) {
  if (!found) return std::move(found).error();
  place = std::move(*found);
  return ok();
}

Status take_below(GateFacts& facts, const std::string& folder, const std::string& rest,
                  std::string_view value, std::int64_t created) {
  if (folder == "holder" && is_safe_name(rest)) {
    CUBE_TRY(auto holder, read_holder(rest, value));
    holder.created = created;
    facts.holders.push_back(std::move(holder));
    return ok();
  }
  if (folder == "blocked" && is_safe_name(rest)) {
    CUBE_TRY(const auto notice, read_notice(value));
    facts.blocked[rest] = notice.reason;
    return ok();
  }
  const auto slash = rest.find('/');
  const auto rollout = rest.substr(0, slash);
  const auto node = slash == std::string::npos ? "" : rest.substr(slash + 1);
  if (folder != "fail" || !is_safe_name(rollout) || !is_safe_name(node))
    return corrupt("a name that is not known");
  CUBE_TRY(auto failure, read_failure(rollout, node, value));
  facts.failures.push_back(std::move(failure));
  return ok();
}

Status take(GateFacts& facts, const std::string& name, std::string_view value,
            std::int64_t created) {
  if (name == policy_name) return put_into(facts.policy, read_limits(value));
  if (name == plan_name) return put_into(facts.plan, read_mark(value));
  if (name == halt_name) return put_into(facts.halt, read_notice(value));
  if (name == pause_name) return put_into(facts.pause, read_notice(value));
  const auto slash = name.find('/');
  if (slash == std::string::npos) return corrupt("a name that is not known");
  return take_below(facts, name.substr(0, slash), name.substr(slash + 1), value, created);
}

}  // namespace

void take_gate_entry(GateFacts& facts, const std::string& name, std::string_view value,
                     std::int64_t created) {
  const auto status = take(facts, name, value, created);
  if (!status) facts.unreadable.push_back(plain(name) + ": " + status.error().what);
}

std::string render(const Holder& holder) {
  Json::Array roles;
  for (const auto& role : holder.roles) roles.emplace_back(role);
  return Json(Json::Object{{"rollout", holder.rollout},
                           {"domain", holder.domain},
                           {"roles", roles},
                           {"nonce", holder.nonce},
                           {"since", holder.since}})
      .line();
}

std::string render(const Notice& notice) {
  return Json(Json::Object{
                  {"reason", plain(notice.reason)}, {"by", plain(notice.by)}, {"at", notice.at}})
      .line();
}

std::string render(const Failure& failure) {
  return Json(Json::Object{{"release", failure.release},
                           {"why", plain(failure.why)},
                           {"stage", failure.stage},
                           {"hardware", failure.hardware},
                           {"canary", failure.canary}})
      .line();
}

std::string render(const PlanMark& mark) {
  return Json(Json::Object{{"serial", mark.serial}, {"sha256", mark.sha256}}).line();
}

std::string render(const Limits& limits) {
  Json::Object members;
  for (const auto& number : numbers) members[number.name] = number.get(limits);
  return Json(members).line();
}

std::string holder_name(const std::string& node) {
  return "holder/" + node;
}
std::string failure_name(const std::string& rollout, const std::string& node) {
  return "fail/" + rollout + "/" + node;
}
std::string blocked_name(const std::string& release) {
  return "blocked/" + release;
}

Result<Limits> read_limits(std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_TRY(const auto members, json.object());
  if (members.size() != numbers.size()) return corrupt("limits: too many members, or too few");
  Limits limits;
  for (const auto& number : numbers) {
    CUBE_TRY(const auto given, json.unsigned_at(number.name));
    if (given < number.least || given > number.most)
      return corrupt(std::string(number.name) + ": out of range");
    number.set(limits, given);
  }
  return limits;
}

Status set_limit(Limits& limits, std::string_view assignment) {
  const auto equals = assignment.find('=');
  std::string name(assignment.substr(0, equals));
  std::replace(name.begin(), name.end(), '-', '_');
  const auto text = equals == std::string_view::npos ? "" : assignment.substr(equals + 1);
  for (const auto& number : numbers) {
    if (name != number.name) continue;
    std::uint64_t given = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), given);
    if (read.ec == std::errc() && read.ptr == text.data() + text.size() && given >= number.least &&
        given <= number.most) {
      number.set(limits, given);
      return ok();
    }
    return Error{Errc::invalid, std::string(assignment) + ": a number of " +
                                    std::to_string(number.least) + " to " +
                                    std::to_string(number.most) + " is needed"};
  }
  return Error{Errc::invalid, std::string(assignment) + ": no such limit"};
}

}  // namespace cube::fleet
