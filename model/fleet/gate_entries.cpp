#include "model/fleet/gate_entries.h"

#include <algorithm>

#include "base/digest.h"
#include "base/json.h"
#include "model/fleet/members.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_text = 200;  // bytes
constexpr std::size_t max_roles = 8;

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

Result<std::string> line_at(const Json& json, const char* key) {
  CUBE_TRY(auto text, json.string_at(key));
  if (!is_plain(text)) return corrupt(std::string(key) + ": too long, or not printable");
  return text;
}

// A name, or "" where that has a meaning.
Result<std::string> named_at(const Json& json, const char* key, bool may_be_empty = false) {
  CUBE_TRY(auto name, json.string_at(key));
  if (!is_safe_name(name) && !(may_be_empty && name.empty()))
    return corrupt(std::string(key) + ": not a name");
  return name;
}

Result<UnixSeconds> moment_at(const Json& json, const char* key) {
  CUBE_TRY(const auto time, json.unsigned_at(key));
  if (time > static_cast<std::uint64_t>(last_second)) return corrupt(std::string(key) + ": not a time");
  return static_cast<UnixSeconds>(time);
}

Result<Json> parse(std::string_view value) {
  JsonLimits limits;
  limits.max_bytes = max_gate_value;
  limits.max_depth = 3;
  return Json::parse(value, limits);
}

Result<Holder> read_holder(const std::string& node, std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"rollout", "domain", "roles", "nonce", "since"}, {}));
  Holder holder;
  holder.node = node;
  CUBE_TRY(holder.rollout, named_at(json, "rollout"));
  CUBE_TRY(holder.domain, named_at(json, "domain", true));
  CUBE_TRY(holder.nonce, named_at(json, "nonce"));
  CUBE_TRY(holder.since, moment_at(json, "since"));
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
  CUBE_CHECK(check_members(json, {"reason", "by", "at"}, {}));
  Notice notice;
  CUBE_TRY(notice.reason, line_at(json, "reason"));
  CUBE_TRY(notice.by, line_at(json, "by"));
  CUBE_TRY(notice.at, moment_at(json, "at"));
  return notice;
}

Result<Failure> read_failure(const std::string& rollout, const std::string& node,
                             std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"release", "why", "stage", "hardware", "canary"}, {}));
  Failure failure;
  failure.rollout = rollout;
  failure.node = node;
  CUBE_TRY(failure.release, named_at(json, "release", true));
  CUBE_TRY(failure.why, line_at(json, "why"));
  CUBE_TRY(failure.stage, named_at(json, "stage", true));
  CUBE_TRY(failure.hardware, named_at(json, "hardware", true));
  CUBE_TRY(failure.canary, flag_at(json, "canary"));
  return failure;
}

Result<PlanMark> read_mark(std::string_view value) {
  CUBE_TRY(const auto json, parse(value));
  CUBE_CHECK(check_members(json, {"serial", "sha256"}, {}));
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
  if (name == policy_name) {
    CUBE_TRY(const auto json, parse(value));
    CUBE_TRY(facts.policy, read_limits(json));
    return ok();
  }
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

std::string holder_name(const std::string& node) {
  return "holder/" + node;
}
std::string failure_name(const std::string& rollout, const std::string& node) {
  return "fail/" + rollout + "/" + node;
}
std::string blocked_name(const std::string& release) {
  return "blocked/" + release;
}

}  // namespace cube::fleet
