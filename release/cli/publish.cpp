// cube-release publish, renew, root.
#include <fmt/format.h>

#include <charconv>

#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

Json::Array strings(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

int report(const Common& common, const Publication& done) {
  for (const auto& warning : done.warnings) fmt::print(stderr, "cube-release: {}\n", warning);
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"releases", strings(done.releases)},
                                         {"signed", strings(done.signed_roles)},
                                         {"warnings", strings(done.warnings)},
                                         {"expires", format_utc(done.expires)}})
                           .line());
    return exit_done;
  }
  for (const auto& name : done.releases) fmt::print("Published {}\n", name);
  if (done.releases.empty())
    fmt::print("Signed anew: {}\n", fmt::join(done.signed_roles, ", "));
  fmt::print("Renew before {} (cube-release {}).\n", format_utc(done.expires),
             done.signed_roles.back() == "root" ? "root" : "renew");
  return exit_done;
}

using RoleValue = std::pair<std::string, std::string>;

Result<RoleValue> role_value(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return Error{Errc::invalid,
                 "\"" + text + "\": is not ROLE=VALUE; write it as in targets=targets-2"};
  return RoleValue{text.substr(0, equals), text.substr(equals + 1)};
}

Result<std::vector<KeyOfRole>> keys_of_roles(const std::vector<std::string>& texts) {
  std::vector<KeyOfRole> keys;
  for (const auto& text : texts) {
    CUBE_TRY(const auto pair, role_value(text));
    keys.push_back({pair.first, pair.second});
  }
  return keys;
}

Result<RootChange> root_change(const RootCommand& command) {
  RootChange change;
  CUBE_TRY(change.add, keys_of_roles(command.add));
  CUBE_TRY(change.remove, keys_of_roles(command.remove));
  for (const auto& text : command.thresholds) {
    CUBE_TRY(const auto pair, role_value(text));
    const auto& [role, number] = pair;
    auto& threshold = change.thresholds[role];
    const char* end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, threshold);
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return Error{Errc::invalid, "threshold \"" + text + "\": is no number; write ROLE=N"};
  }
  return change;
}

}  // namespace

Result<int> publish(const Common& common, std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys));
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto done, publisher.publish(now, days));
  return report(common, done);
}

Result<int> renew(const Common& common, std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys));
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto done, publisher.renew(now, days));
  return report(common, done);
}

Result<int> next_root(const Common& common, const RootCommand& command,
                      std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto change, root_change(command));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys));
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto done, publisher.next_root(change, now, days));
  return report(common, done);
}

}  // namespace cube::publish_cli
