#include "model/journal.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::array<std::pair<Cause, std::string_view>, 17> cause_names{{
    {Cause::none, "none"},
    {Cause::panic, "panic"},
    {Cause::watchdog, "watchdog"},
    {Cause::breadcrumb, "breadcrumb"},
    {Cause::overdue, "overdue"},
    {Cause::tries_exhausted, "tries-exhausted"},
    {Cause::health, "health"},
    {Cause::deadline, "deadline"},
    {Cause::rollback_asked, "rollback-asked"},
    {Cause::never_started, "never-started"},
    {Cause::fetch_failed, "fetch-failed"},
    {Cause::fill_failed, "fill-failed"},
    {Cause::arm_failed, "arm-failed"},
    {Cause::superseded, "superseded"},
    {Cause::memory_lost, "memory-lost"},
    {Cause::migration, "migration"},
    {Cause::held, "held"},
}};

constexpr std::array<std::pair<Start, std::string_view>, 3> start_names{{
    {Start::at_once, "at-once"},
    {Start::at_time, "at-time"},
    {Start::in_window, "in-window"},
}};

struct PhaseName {
  std::string_view operator()(const Idle&) const { return "idle"; }
  std::string_view operator()(const Fetching&) const { return "fetching"; }
  std::string_view operator()(const Fetched&) const { return "fetched"; }
  std::string_view operator()(const Filling&) const { return "filling"; }
  std::string_view operator()(const Staged&) const { return "staged"; }
  std::string_view operator()(const Arming&) const { return "arming"; }
  std::string_view operator()(const Armed&) const { return "armed"; }
  std::string_view operator()(const Trying&) const { return "trying"; }
  std::string_view operator()(const Committing&) const { return "committing"; }
  std::string_view operator()(const RollingBack&) const { return "rolling-back"; }
};

struct PhaseUpdate {
  const Update* operator()(const Idle&) const { return nullptr; }
  template <typename P>
  const Update* operator()(const P& phase) const {
    return &phase.update;
  }
};

}  // namespace

std::string_view to_string(Cause cause) {
  const auto* found = std::find_if(cause_names.begin(), cause_names.end(),
                                   [&](const auto& entry) { return entry.first == cause; });
  return found == cause_names.end() ? "unknown" : found->second;
}

std::optional<Cause> parse_cause(std::string_view text) {
  const auto* found = std::find_if(cause_names.begin(), cause_names.end(),
                                   [&](const auto& entry) { return entry.second == text; });
  if (found == cause_names.end()) return std::nullopt;
  return found->first;
}

std::string_view name_of(const Phase& phase) {
  return std::visit(PhaseName{}, phase);
}

const Update* update_of(const Phase& phase) {
  return std::visit(PhaseUpdate{}, phase);
}

std::string_view to_string(Start start) {
  const auto* found = std::find_if(start_names.begin(), start_names.end(),
                                   [&](const auto& entry) { return entry.first == start; });
  return found == start_names.end() ? "at-once" : found->second;
}

std::string_view to_string(Outcome outcome) {
  switch (outcome) {
    case Outcome::committed:
      return "committed";
    case Outcome::rolled_back:
      return "rolled-back";
    case Outcome::abandoned:
      return "abandoned";
  }
  return "abandoned";
}

bool is_denied(const Journal& journal, const Release& release) {
  if (mutated("denied-ignored")) return false;
  return std::any_of(journal.denied.begin(), journal.denied.end(), [&](const Denied& denied) {
    if (denied.manifest_sha256.empty()) return denied.release == release.name.text;
    return denied.manifest_sha256 == release.manifest_sha256;
  });
}

}  // namespace cube
