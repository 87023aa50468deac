#include "agent/health/verdict_file.h"

#include <algorithm>

#include "agent/attempt_file.h"

namespace cube {
namespace {

constexpr std::size_t max_bytes = 256 * 1024;
constexpr std::size_t max_checks = 300;
constexpr std::uint64_t max_tries = 1'000'000;

Json check_json(const Check& check) {
  return Json(Json::Object{{"name", check.name},
                           {"passed", check.passed},
                           {"required", check.required},
                           {"failed_before", check.failed_before},
                           {"tries", check.tries},
                           {"detail", check.detail}});
}

Result<bool> flag_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto member, json.member(key));
  return member.boolean();
}

Result<Check> parse_check(const Json& json) {
  Check check;
  CUBE_TRY(check.name, json.string_at("name"));
  CUBE_TRY(check.detail, json.string_at("detail"));
  CUBE_TRY(check.passed, flag_at(json, "passed"));
  CUBE_TRY(check.required, flag_at(json, "required"));
  CUBE_TRY(check.failed_before, flag_at(json, "failed_before"));
  CUBE_TRY(const auto tries, json.unsigned_at("tries"));
  check.tries = static_cast<int>(std::min(tries, max_tries));
  return check;
}

Result<Verdict> parse_verdict(const std::string& text) {
  CUBE_TRY(const auto json, Json::parse(text, {.max_bytes = max_bytes}));
  Verdict verdict;
  CUBE_TRY(verdict.passed, flag_at(json, "passed"));
  CUBE_TRY(const auto checks, json.member("checks"));
  CUBE_TRY(const auto list, checks.array());
  for (const auto& element : list) {
    CUBE_TRY(auto check, parse_check(element));
    verdict.checks.push_back(std::move(check));
  }
  return verdict;
}

}  // namespace

Json verdict_json(const Verdict& verdict) {
  Json::Array checks;
  for (const auto& check : verdict.checks) {
    if (checks.size() == max_checks) break;
    checks.push_back(check_json(check));
  }
  return Json(Json::Object{{"passed", verdict.passed}, {"checks", Json(std::move(checks))}});
}

std::string verdict_text(const Verdict& verdict) {
  std::string text;
  for (const auto& check : verdict.checks) {
    if (check.passed) continue;
    text += (text.empty() ? "" : "; ") + check.name + ": " + check.detail;
    if (check.failed_before)
      text += " (failed before the update)";
    else if (!check.required)
      text += " (only wanted)";
  }
  return text;
}

Status save_verdict(const RootDir& root, const std::string& folder, std::uint64_t attempt,
                    const Verdict& verdict) {
  const std::string text = verdict_json(verdict).line() + "\n";
  // What cannot be read back is of no use.
  CUBE_CHECK(Json::parse(text, {.max_bytes = max_bytes}));
  return save_attempt_file(root, folder, attempt, text);
}

Result<std::optional<Verdict>> load_verdict(const RootDir& root, const std::string& folder,
                                            std::uint64_t attempt) {
  const auto text = root.read_file(attempt_file(folder, attempt), max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<Verdict>();
  if (!text) return text.error();
  CUBE_TRY(auto verdict, parse_verdict(*text));
  return std::optional<Verdict>(std::move(verdict));
}

}  // namespace cube
