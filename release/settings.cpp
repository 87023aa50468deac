#include "release/settings.h"

#include "base/durable_file.h"
#include "base/json.h"
#include "model/release.h"

namespace cube {
namespace {

const std::string settings_file = "publisher/settings.json";
constexpr std::uint64_t max_days = 36500;

Result<std::uint64_t> days_at(const Json& days, const std::string& role) {
  CUBE_TRY(const auto count, days.unsigned_at(role));
  if (count < 1 || count > max_days)
    return Error{Errc::corrupt, "\"" + role + "\" is not from 1 to 36500 days"};
  return count;
}

Result<Settings> parse_settings(const std::string& text) {
  CUBE_TRY(const Json json, Json::parse(text));
  Settings settings;
  CUBE_TRY(settings.product, json.string_at("product"));
  CUBE_CHECK(check_product(settings.product));
  CUBE_TRY(settings.keys, json.string_at("keys"));
  CUBE_TRY(const Json days, json.member("lifetimes"));
  CUBE_TRY(settings.lifetimes.root, days_at(days, "root"));
  CUBE_TRY(settings.lifetimes.targets, days_at(days, "targets"));
  CUBE_TRY(settings.lifetimes.snapshot, days_at(days, "snapshot"));
  CUBE_TRY(settings.lifetimes.timestamp, days_at(days, "timestamp"));
  return settings;
}

}  // namespace

Result<Settings> read_settings(const RootDir& repository) {
  CUBE_TRY(const auto text, repository.read_file(settings_file, 64 * 1024));
  auto settings = parse_settings(text);
  if (!settings) return std::move(settings).error().in(repository.join(settings_file));
  return settings;
}

Status write_settings(const RootDir& repository, const Settings& settings) {
  CUBE_CHECK(repository.make_dirs("publisher"));
  const auto& days = settings.lifetimes;
  const Json json(Json::Object{{"product", settings.product},
                               {"keys", settings.keys},
                               {"lifetimes", Json::Object{{"root", days.root},
                                                          {"targets", days.targets},
                                                          {"snapshot", days.snapshot},
                                                          {"timestamp", days.timestamp}}}});
  return replace_file(repository, settings_file, json.pretty());
}

Status check_product(const std::string& product) {
  if (ReleaseName::parse(product + "_1_20260101-0000_abcd")) return ok();
  return Error{Errc::invalid, "product \"" + product +
                                  "\": is not a product name; use letters, digits, + and -, as in "
                                  "CUBE"};
}

}  // namespace cube
