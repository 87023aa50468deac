#include "agent/fleet/etcd_members.h"

#include <algorithm>
#include <limits>

#include "base/base64.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_items = 64;
constexpr std::size_t max_text = 256;
constexpr auto any_number = std::numeric_limits<std::uint64_t>::max();

Result<std::string> shown(std::string text) {
  const bool printable =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (printable && text.size() <= max_text) return text;
  return Error{Errc::corrupt, "etcd's answer: a text that is too long, or not printable"};
}

Result<std::string> text_at(const Json& object, const std::string& key) {
  if (!object.has(key)) return std::string();
  CUBE_TRY(auto text, object.string_at(key));
  return shown(std::move(text));
}

Result<std::vector<std::string>> texts_at(const Json& object, const std::string& key) {
  CUBE_TRY(const auto items, items_at(object, key, max_items));
  std::vector<std::string> texts;
  for (const auto& item : items) {
    CUBE_TRY(auto text, item.string());
    CUBE_TRY(auto good, shown(std::move(text)));
    texts.push_back(std::move(good));
  }
  return texts;
}

Result<bool> learner_in(const Json& json) {
  if (!json.has("isLearner")) return false;
  CUBE_TRY(const auto member, json.member("isLearner"));
  return member.boolean();
}

}  // namespace

Result<std::vector<EtcdMember>> members_in(std::string_view answer) {
  CUBE_TRY(const auto json, parse_answer(answer));
  CUBE_TRY(const auto items, items_at(json, "members", max_items));
  std::vector<EtcdMember> members;
  for (const auto& item : items) {
    EtcdMember member;
    CUBE_TRY(member.id, number_at(item, "ID", any_number));
    CUBE_TRY(member.name, text_at(item, "name"));
    CUBE_TRY(member.client_urls, texts_at(item, "clientURLs"));
    CUBE_TRY(member.learner, learner_in(item));
    members.push_back(std::move(member));
  }
  return members;
}

Result<std::vector<EtcdAlarm>> alarms_in(std::string_view answer) {
  CUBE_TRY(const auto json, parse_answer(answer));
  CUBE_TRY(const auto items, items_at(json, "alarms", max_items));
  std::vector<EtcdAlarm> alarms;
  for (const auto& item : items) {
    EtcdAlarm alarm;
    CUBE_TRY(alarm.member, number_at(item, "memberID", any_number));
    CUBE_TRY(alarm.kind, text_at(item, "alarm"));
    if (!alarm.kind.empty()) alarms.push_back(std::move(alarm));
  }
  return alarms;
}

Result<EtcdStatus> status_in(std::string_view answer) {
  CUBE_TRY(const auto json, parse_answer(answer));
  CUBE_TRY(const auto header, json.member("header"));
  EtcdStatus status;
  CUBE_TRY(status.member, number_at(header, "member_id", any_number));
  CUBE_TRY(status.version, text_at(json, "version"));
  CUBE_TRY(status.leader, number_at(json, "leader", any_number));
  CUBE_TRY(status.database_bytes, number_at(json, "dbSize", any_number));
  CUBE_TRY(status.bytes_in_use, number_at(json, "dbSizeInUse", any_number));
  CUBE_TRY(status.errors, texts_at(json, "errors"));
  if (status.version.empty()) return Error{Errc::corrupt, "etcd's answer: no version"};
  return status;
}

Result<std::vector<EtcdMember>> members_of(EtcdGateway& gateway) {
  CUBE_TRY(const auto answer,
           gateway.ask("/v3/cluster/member/list", "{}", EtcdGateway::Effect::none));
  return members_in(answer);
}

Result<std::vector<EtcdAlarm>> alarms_of(EtcdGateway& gateway) {
  CUBE_TRY(const auto answer,
           gateway.ask("/v3/maintenance/alarm", "{\"action\":\"GET\"}", EtcdGateway::Effect::none));
  return alarms_in(answer);
}

Result<bool> was_compacted(EtcdGateway& gateway, const std::string& key) {
  const Json request(Json::Object{{"key", base64(key)}, {"revision", "1"}, {"limit", "1"}});
  const auto answer = gateway.ask("/v3/kv/range", request.line(), EtcdGateway::Effect::none);
  if (answer) return false;
  if (answer.error().what.find("has been compacted") != std::string::npos) return true;
  return answer.error();
}

Result<EtcdStatus> status_of(EtcdGateway& gateway, std::size_t endpoint) {
  CUBE_TRY(const auto answer, gateway.ask_one(endpoint, "/v3/maintenance/status", "{}"));
  return status_in(answer);
}

Result<EtcdStatus> any_status_of(EtcdGateway& gateway) {
  CUBE_TRY(const auto answer,
           gateway.ask("/v3/maintenance/status", "{}", EtcdGateway::Effect::none));
  return status_in(answer);
}

}  // namespace cube::fleet
