#include "agent/fleet/node_record.h"

#include <algorithm>

#include "base/json.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_says = 200;
constexpr std::size_t max_roles = 8;
constexpr std::size_t max_bytes = 4096;

// Records of older versions have no order.
Result<std::uint32_t> order_in(const Json& json) {
  if (!json.has("order")) return default_order;
  CUBE_TRY(const auto order, json.unsigned_at("order"));
  if (order > last_order) return Error{Errc::corrupt, "order: 0 to 9"};
  return static_cast<std::uint32_t>(order);
}

Result<std::set<std::string>> roles_in(const Json& json) {
  CUBE_TRY(const auto member, json.member("roles"));
  CUBE_TRY(const auto list, member.array());
  if (list.size() > max_roles) return Error{Errc::corrupt, "roles: too many"};
  std::set<std::string> roles;
  for (const auto& one : list) {
    CUBE_TRY(auto role, one.string());
    roles.insert(std::move(role));
  }
  return roles;
}

}  // namespace

Result<NodeRecord> read_record(const std::string& node, std::string_view value) {
  if (!is_safe_name(node)) return Error{Errc::corrupt, "not a name"};
  JsonLimits limits;
  limits.max_bytes = max_bytes;
  limits.max_depth = 3;
  CUBE_TRY(const auto json, Json::parse(value, limits));
  NodeRecord record;
  record.node = node;
  CUBE_TRY(record.status.release, json.string_at("release"));
  CUBE_TRY(record.status.phase, json.string_at("phase"));
  CUBE_TRY(record.status.target, json.string_at("target"));
  CUBE_TRY(record.status.says, json.string_at("says"));
  CUBE_TRY(record.domain, json.string_at("domain"));
  CUBE_TRY(record.roles, roles_in(json));
  CUBE_TRY(record.hardware, json.string_at("hardware"));
  CUBE_TRY(record.order, order_in(json));
  CUBE_TRY(const auto at, json.unsigned_at("at"));
  record.at = static_cast<UnixSeconds>(std::min<std::uint64_t>(at, last_second));
  return record;
}

std::string render(const NodeRecord& record) {
  Json::Array roles;
  for (const auto& role : record.roles) roles.emplace_back(role);
  return Json(Json::Object{{"release", record.status.release},
                           {"phase", record.status.phase},
                           {"target", record.status.target},
                           {"says", record.status.says.substr(0, max_says)},
                           {"domain", record.domain},
                           {"roles", roles},
                           {"hardware", record.hardware},
                           {"order", std::uint64_t{record.order}},
                           {"at", record.at}})
      .line();
}

}  // namespace cube::fleet
