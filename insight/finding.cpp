#include "insight/finding.h"

#include <algorithm>
#include <array>
#include <utility>

#include "insight/inventory/inventory.h"

namespace cube::insight {
namespace {

constexpr std::array<std::pair<Grade, std::string_view>, 4> words{{
    {Grade::good, "good"},
    {Grade::unknown, "unknown"},
    {Grade::warning, "warning"},
    {Grade::refusal, "refusal"},
}};

std::string bounded(std::string_view text) {
  static_assert(max_finding_bytes == max_text);
  return readable(text);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json() : Json(text);
}

Result<std::string> text_at(const Json& json, const std::string& key) {
  CUBE_TRY(const auto member, json.member(key));
  if (!member.string() && member.line() == "null") return std::string();
  return member.string();
}

Result<Finding> read_finding(const Json& json) {
  Finding finding;
  CUBE_TRY(const auto id, json.string_at("id"));
  const auto colon = id.find(':');
  if (colon == std::string::npos) return Error{Errc::corrupt, "a finding's id has no ':'"};
  finding.check = id.substr(0, colon);
  finding.object = id.substr(colon + 1);
  CUBE_TRY(const auto word, json.string_at("grade"));
  const auto grade = parse_grade(word);
  if (!grade) return Error{Errc::corrupt, "a finding's grade is not known"};
  finding.grade = *grade;
  CUBE_TRY(finding.what, json.string_at("what"));
  CUBE_TRY(finding.remedy, text_at(json, "remedy"));
  CUBE_TRY(finding.waiver, text_at(json, "waiver"));
  return finding;
}

}  // namespace

std::string_view word_for(Grade grade) {
  return words.at(static_cast<std::size_t>(grade)).second;
}

std::optional<Grade> parse_grade(std::string_view word) {
  for (const auto& [grade, text] : words)
    if (text == word) return grade;
  return std::nullopt;
}

Findings in_order(Findings findings) {
  for (auto& finding : findings)
    for (auto* text : {&finding.check, &finding.object, &finding.what, &finding.remedy})
      *text = bounded(*text);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& left, const Finding& right) {
    return left.grade > right.grade;
  });
  if (findings.size() > max_findings) findings.resize(max_findings);
  return findings;
}

bool any_refuses(const Findings& findings) {
  return std::any_of(findings.begin(), findings.end(),
                     [](const Finding& finding) { return finding.refuses(); });
}

std::string refusal_text(const Findings& findings) {
  const auto refuses = [](const Finding& finding) { return finding.refuses(); };
  const auto first = std::find_if(findings.begin(), findings.end(), refuses);
  if (first == findings.end()) return "";
  std::string text = first->what;
  const auto more = std::count_if(first + 1, findings.end(), refuses);
  if (more > 0) text += " (and " + std::to_string(more) + " more)";
  if (!first->remedy.empty()) text += "; " + first->remedy;
  return text;
}

Json findings_json(const Findings& findings) {
  Json::Array list;
  for (const auto& finding : findings)
    list.push_back(Json(Json::Object{{"id", finding.id()},
                                     {"grade", std::string(word_for(finding.grade))},
                                     {"what", finding.what},
                                     {"remedy", text_or_null(finding.remedy)},
                                     {"waiver", text_or_null(finding.waiver)}}));
  return Json(std::move(list));
}

Result<Findings> read_findings(const Json& list) {
  CUBE_TRY(const auto elements, list.array());
  if (elements.size() > max_findings) return Error{Errc::corrupt, "too many findings"};
  Findings findings;
  for (const auto& element : elements) {
    CUBE_TRY(auto finding, read_finding(element));
    findings.push_back(std::move(finding));
  }
  return findings;
}

}  // namespace cube::insight
