// Finding: what was seen when a release was held against this machine or against its rules before
// the restart: a driver that the root needs and the release lacks, a locked package that moved.
//
// A value for people and programs. Each has an id that stays the same as long as the matter does,
// so that a waiver can name it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "base/result.h"

namespace cube::insight {

// The worst last: the verdict of several findings is the greatest.
enum class Grade : std::uint8_t {
  good,     // was checked, and fits
  unknown,  // could not be checked; `what` says why
  warning,  // something will be worse than before, but the machine comes up and is reachable
  refusal,  // the machine would not start, not be reachable, or break a rule
};

struct Finding {
  std::string check;   // stable word of what was looked at: "root-driver", "lock"
  std::string object;  // what it is about: a driver, a device, a package; part of the id
  Grade grade = Grade::good;
  std::string what;    // one sentence: which object, where it is missing, why it is needed
  std::string remedy;  // one sentence: the next thing to do; "" when there is none
  std::string waiver;  // who lets a refusal through, until when and why; "": nobody does

  // "root-driver:megaraid_sas"
  [[nodiscard]] std::string id() const { return check + ":" + object; }
  // A refusal that no waiver lets through.
  [[nodiscard]] bool refuses() const { return grade == Grade::refusal && waiver.empty(); }

  bool operator==(const Finding&) const = default;
};

using Findings = std::vector<Finding>;
inline constexpr std::size_t max_findings = 1000;
inline constexpr std::size_t max_finding_bytes = 1024;  // of each of its texts

[[nodiscard]] std::string_view word_for(Grade grade);  // "good", "unknown", "warning", "refusal"
[[nodiscard]] std::optional<Grade> parse_grade(std::string_view word);

// The worst first, else as they are; of more than max_findings the best are left out. Texts become
// readable (insight/inventory/inventory.h) and are cut at max_finding_bytes.
[[nodiscard]] Findings in_order(Findings findings);
[[nodiscard]] bool any_refuses(const Findings& findings);
// One sentence for an error: the first that refuses, what to do, and how many more there are.
[[nodiscard]] std::string refusal_text(const Findings& findings);

// [{"id", "grade", "what", "remedy", "waiver"}]; "" is null in the last two.
[[nodiscard]] Json findings_json(const Findings& findings);
// Errors: corrupt.
[[nodiscard]] Result<Findings> read_findings(const Json& list);

}  // namespace cube::insight
