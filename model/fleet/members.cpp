#include "model/fleet/members.h"

#include <algorithm>

#include "model/fleet/duration.h"
#include "model/fleet/plan.h"
#include "model/name.h"

namespace cube::fleet {
namespace {

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

bool is_control(std::string_view text, std::size_t at) {
  const auto byte = static_cast<unsigned char>(text[at]);
  const auto before = at > 0 ? static_cast<unsigned char>(text[at - 1]) : 0;
  return byte < 0x20 || byte == 0x7f || (before == 0xc2 && byte < 0xa0);  // the last: U+0080..009F
}

}  // namespace

Status check_members(const Json& json, std::initializer_list<std::string_view> required,
                     std::initializer_list<std::string_view> optional) {
  CUBE_TRY(const auto members, json.object());
  const auto in = [](const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const auto& [key, member] : members)
    if (!in(required, key) && !in(optional, key))
      return corrupt("an unknown member" + (is_safe_name(key) ? " \"" + key + "\"" : "") +
                     "; this program may be too old for it");
  for (const auto name : required)
    if (members.count(std::string(name)) == 0)
      return corrupt("no member \"" + std::string(name) + "\"");
  return ok();
}

Result<std::uint64_t> count_at(const Json& json, const std::string& key, std::uint64_t min,
                               std::uint64_t max) {
  CUBE_TRY(const auto count, json.unsigned_at(key));
  if (count < min || count > max)
    return corrupt("\"" + key + "\" is not from " + std::to_string(min) + " to " +
                   std::to_string(max));
  return count;
}

Result<bool> flag_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto member, json.member(key));
  auto flag = member.boolean();
  if (!flag) return std::move(flag).error().in("\"" + key + "\"");
  return flag;
}

Result<Seconds> duration_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto text, json.string_at(key));
  auto duration = parse_duration(text);
  if (!duration) return corrupt("\"" + key + "\": " + duration.error().what);
  return duration;
}

Result<UnixSeconds> time_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto text, json.string_at(key));
  const auto time = parse_utc(text);
  if (!time || *time < 0) return corrupt("\"" + key + "\" is no time like 2026-11-25T20:55:00Z");
  return *time;
}

Result<std::string> name_at(const Json& json, const std::string& key) {
  CUBE_TRY(auto name, json.string_at(key));
  if (!is_safe_name(name)) return corrupt("\"" + key + "\" is not a safe name");
  return name;
}

Result<std::string> text_at(const Json& json, const std::string& key) {
  CUBE_TRY(auto text, json.string_at(key));
  if (text.empty() || text.size() > max_text)
    return corrupt("\"" + key + "\" has not 1 to " + std::to_string(max_text) + " bytes");
  for (std::size_t at = 0; at < text.size(); ++at)
    if (is_control(text, at)) return corrupt("\"" + key + "\" has a control character");
  return text;
}

Status each_of(const Json& json, const std::string& key, std::size_t max,
               const std::function<Status(const Json&)>& read) {
  if (!json.has(key)) return ok();
  CUBE_TRY(const auto member, json.member(key));
  auto list = member.array();
  if (!list) return std::move(list).error().in("\"" + key + "\"");
  if (list->size() > max)
    return corrupt("\"" + key + "\" has more than " + std::to_string(max) + " elements");
  for (std::size_t i = 0; i < list->size(); ++i)
    if (auto status = read((*list)[i]); !status)
      return std::move(status).error().in(key + "[" + std::to_string(i) + "]");
  return ok();
}

}  // namespace cube::fleet
