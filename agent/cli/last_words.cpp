#include "agent/cli/last_words.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "agent/cli/render.h"
#include "base/clock.h"
#include "boot/postmortem/storage_facts.h"

namespace cube::cli {
namespace {

constexpr std::size_t max_lost = 12;  // named on the screen

struct Judged {
  Cause cause;
  Stage stage;
  const char* sentence;
};
// For attempts without records. What the journal calls panic or breadcrumb is a line of the
// kernel's log and is judged as one.
constexpr Judged judged[] = {
    {Cause::watchdog, Stage::hang, "a watchdog restarted the machine while the trial ran"},
    {Cause::overdue, Stage::hang,
     "the machine came back long after the trial's deadline, and the trial left no word"},
    {Cause::tries_exhausted, Stage::hang,
     "every try ended without a commit and without a word: it hung, or the power failed each time"},
    {Cause::health, Stage::health, "the release came up, and a required health check failed"},
    {Cause::deadline, Stage::health, "the release came up, and was not healthy in time"},
    {Cause::migration, Stage::health, "the release came up, and a migration of its state failed"},
    {Cause::held, Stage::none, "it was never started: a hook said no to the restart"},
    {Cause::foreseen, Stage::none,
     "it was never started: `cube-update preflight` foresaw that it would fail here"},
    {Cause::never_started, Stage::loader, "the boot loader did not start the trial"},
    {Cause::rollback_asked, Stage::none, "an operator asked for the rollback"},
    {Cause::superseded, Stage::none, "another release was asked for before this one was committed"},
    {Cause::fetch_failed, Stage::none, "it was never started: its download failed"},
    {Cause::fill_failed, Stage::none, "it was never started: it could not be installed"},
    {Cause::arm_failed, Stage::none, "it was never started: the boot loader could not be told"},
    {Cause::memory_lost, Stage::none, "a trial ran that the journal did not know"},
};

Json strings(const std::vector<std::string>& lines) {
  Json::Array array;
  for (const auto& line : lines) array.push_back(Json(line));
  return Json(std::move(array));
}

std::string indented(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += "    " + line + "\n";
  return text;
}

std::vector<std::string> foreseen(const LastWords& words) {
  std::vector<std::string> lines;
  for (const auto& finding : words.foreseen) {
    std::string line = fmt::format("{}: {}", word_for(finding.grade), printable(finding.what));
    if (!finding.waiver.empty()) line += " (waived: " + printable(finding.waiver) + ")";
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string headline(const Attempt& attempt) {
  std::string line = fmt::format("update #{}: {} into slot {}", attempt.number, attempt.release,
                                 to_string(attempt.target));
  if (!attempt.from_release.empty()) line += fmt::format(", from {}", attempt.from_release);
  line += fmt::format("\n{} on {}", to_string(attempt.outcome), format_utc(attempt.ended));
  if (attempt.tries_done > 0)
    line +=
        fmt::format(" after {} start{}", attempt.tries_done, attempt.tries_done == 1 ? "" : "s");
  return line + "\n\n";
}

struct Places {
  const char *both, *lost, *gained, *neither;
};
constexpr Places releases{"in both releases", "in the running release, not in the failed one",
                          "in the failed release, not in the running one", "in neither release"};
constexpr Places images{"in both initramfs", "in the running initramfs, not in the failed one",
                        "in the failed initramfs, not in the running one", "in neither initramfs"};

const char* where(bool before, bool after, const Places& places) {
  if (before) return after ? places.both : places.lost;
  return after ? places.gained : places.neither;
}

void compare_module(const LastWords& words, const std::string& module, const std::string& what,
                    std::vector<std::string>& told) {
  if (module.empty()) return;
  const bool before = words.good->root.has(module), after = words.failed->root.has(module);
  std::string line = what + " " + module + ": " + where(before, after, releases);
  const auto &good = words.good->initramfs, &failed = words.failed->initramfs;
  if (good && failed) {
    line += std::string("; ") + where(good->has_module(module), failed->has_module(module), images);
  } else if (before && after) {
    line += "; is it in the initramfs, too, and does it suit the kernel?";
  }
  told.push_back(line);
}

// What the root may need, and the failed release's initramfs has lost.
void compare_initramfs(const LastWords& words, std::vector<std::string>& told) {
  if (!words.good->initramfs || !words.failed->initramfs) return;
  const auto tell = [&](const char* what, const std::set<std::string>& before,
                        const std::set<std::string>& after) {
    std::vector<std::string> lost;
    std::set_difference(before.begin(), before.end(), after.begin(), after.end(),
                        std::back_inserter(lost));
    if (lost.empty()) return;
    // Drivers of storage first: there may be many.
    std::stable_partition(lost.begin(), lost.end(), is_storage_module);
    std::string line = fmt::format("the initramfs has lost {} {}{}: ", lost.size(), what,
                                   lost.size() == 1 ? "" : "s");
    const auto shown = std::min(lost.size(), max_lost);
    for (std::size_t i = 0; i < shown; ++i) line += (i == 0 ? "" : ", ") + printable(lost[i]);
    told.push_back(line + (shown < lost.size() ? ", ..." : ""));
  };
  tell("module", words.good->initramfs->modules, words.failed->initramfs->modules);
  tell("firmware file", words.good->initramfs->firmware, words.failed->initramfs->firmware);
}

Diagnosis diagnose_journal(const Attempt& attempt) {
  if (attempt.why.cause == Cause::breadcrumb)
    return diagnose("cube-update: initramfs: " + attempt.why.detail);
  if (attempt.why.cause == Cause::panic) return diagnose(attempt.why.detail);
  Diagnosis found;
  for (const auto& known : judged) {
    if (known.cause != attempt.why.cause) continue;
    found.stage = known.stage;
    found.cause = known.sentence;
    found.confidence = known.cause == Cause::tries_exhausted ? Confidence::low : Confidence::high;
  }
  if (attempt.outcome == Outcome::committed) found.cause = "nothing: it was committed";
  if (!attempt.why.detail.empty()) found.evidence.push_back(printable(attempt.why.detail));
  return found;
}

}  // namespace

Diagnosis diagnose_log(const Log& log) {
  auto found = diagnose(log.text.empty() ? log.marks : log.text);
  if (!log.text.empty()) add_marks(log.marks, found);
  return found;
}

Diagnosis diagnose_attempt(const Attempt& attempt, const Log& log) {
  auto found = log.text.empty() ? diagnose_journal(attempt) : diagnose(log.text);
  add_marks(log.marks, found);
  return found;
}

std::vector<std::string> differences(const LastWords& words) {
  std::vector<std::string> told;
  if (!words.good || !words.failed) return told;
  const auto &before = words.good->root.release, &after = words.failed->root.release;
  if (before != after)
    told.push_back(fmt::format("kernel {} -> {}", before.empty() ? "unknown" : before,
                               after.empty() ? "none" : after));
  compare_module(words, words.diagnosis.module, "module", told);
  if (words.diagnosis.filesystem != words.diagnosis.module)
    compare_module(words, words.diagnosis.filesystem, "file system", told);
  compare_initramfs(words, told);
  return told;
}

Json::Object last_words_json(const LastWords& words) {
  const Diagnosis& found = words.diagnosis;
  return {{"event", "result"},
          {"attempt", words.attempt ? Json(attempt_json(*words.attempt)) : Json()},
          {"stage", std::string(to_string(found.stage))},
          {"cause", found.cause},
          {"foreseen", findings_json(words.foreseen)},
          {"evidence", strings(found.evidence)},
          {"confidence", std::string(to_string(found.confidence))},
          {"kernel", found.kernel},
          {"panic", found.panic},
          {"module", found.module},
          {"device", found.device},
          {"filesystem", found.filesystem},
          {"trace", strings(found.trace)},
          {"trial", found.trial},
          {"reached", found.reached},
          {"differences", strings(differences(words))},
          {"journal", strings(words.journal)},
          {"left_out", strings(words.left_out)},
          {"next", std::string(advice(found.stage))}};
}

std::string last_words_text(const LastWords& words) {
  const Diagnosis& found = words.diagnosis;
  std::string text = words.attempt ? headline(*words.attempt) : "";
  text += found.cause + "\n";
  text += fmt::format("stage: {} (confidence: {})", to_string(found.stage),
                      to_string(found.confidence));
  if (!found.kernel.empty()) text += ", kernel " + found.kernel;
  if (!found.reached.empty()) text += ", last mark " + found.reached;
  text += "\n";
  if (!found.evidence.empty()) text += "\nevidence\n" + indented(found.evidence);
  if (!words.foreseen.empty()) text += "\nwhat was foreseen\n" + indented(foreseen(words));
  if (!words.journal.empty())
    text += "\nthe last errors in its own journal\n" + indented(words.journal);
  if (const auto told = differences(words); !told.empty())
    text += "\nwhat differs\n" + indented(told);
  if (!found.trace.empty())
    text += "\nwhere the kernel was, innermost first\n" + indented(found.trace);
  if (!words.left_out.empty())
    text += "\nkept, and not read, because the kernel compressed them\n" + indented(words.left_out);
  if (const auto next = advice(found.stage); !next.empty())
    text += "\nwhat to do next\n    " + std::string(next) + "\n";
  return text;
}

}  // namespace cube::cli
