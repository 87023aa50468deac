#include "boot/postmortem/diagnosis.h"

#include "base/mutation.h"
#include "boot/postmortem/boot_story.h"
#include "boot/postmortem/kernel_log.h"
#include "boot/postmortem/trial_marks.h"
#include "boot/postmortem/verdict.h"

namespace cube {
namespace {

// Which of the boots in a log counts: the last one on trial that failed, else the last that failed,
// else the last.
class Choice {
 public:
  void offer(Diagnosis diagnosis) {
    const bool failed = diagnosis.stage != Stage::none;
    if (failed && diagnosis.trial) trial_ = diagnosis;
    if (failed) failed_ = diagnosis;
    last_ = std::move(diagnosis);
  }
  Diagnosis best() {
    if (trial_) return std::move(*trial_);
    if (failed_) return std::move(*failed_);
    return std::move(last_);
  }

 private:
  std::optional<Diagnosis> trial_;
  std::optional<Diagnosis> failed_;
  Diagnosis last_;
};

struct Beginning {
  bool firmware = false;
  bool kernel = false;
  bool clock_went_back = false;
};

Beginning beginning(const LogLine& line, const std::optional<double>& before) {
  Beginning found;
  signs_in(line.text, [&](Sign sign, std::string_view pattern) {
    // "Booting Linux on physical CPU" comes just before "Linux version".
    found.kernel = found.kernel || (sign == Sign::kernel_begins && pattern.starts_with("Linux"));
    found.firmware = found.firmware || sign == Sign::firmware_begins ||
                     (sign == Sign::loader_runs && !line.time) ||
                     (sign == Sign::kernel_handed_over && !line.time);
  });
  found.clock_went_back = line.time && before && *line.time < 0.5 && *before > 3;
  return found;
}

bool is_replay(const BootStory& boot) {
  return boot.last_line.find("console [") != std::string::npos ||
         boot.last_line.find("bootconsole") != std::string::npos;
}

// Whether a line is the first one of another boot than `boot`.
bool begins_another(const BootStory& boot, const LogLine& line) {
  if (boot.lines() == 0 || is_replay(boot)) return false;
  const auto found = beginning(line, boot.last_time);
  const bool kernel =
      boot.has(Sign::kernel_begins) &&
      boot.seen(Sign::kernel_begins).text.find("Linux version") != std::string::npos;
  if (found.kernel)  // a loader that gave up on one entry and took another has failed, too
    return kernel || boot.kernel_spoke() || boot.real_init() || boot.has(Sign::loader_gives_up);
  if (found.firmware) return boot.kernel_spoke() || boot.real_init() || boot.has(Sign::goal);
  return found.clock_went_back;
}

}  // namespace

Diagnosis diagnose(std::string_view log) {
  KernelLog lines(log);
  Choice choice;
  BootStory boot;
  for (LogLine line; lines.next(line);) {
    if (begins_another(boot, line)) {
      boot.next_boot_begins = true;
      choice.offer(judge(boot));
      boot = BootStory();
    }
    boot.read(line);
  }
  choice.offer(judge(boot));
  return choice.best();
}

void add_marks(std::string_view text, Diagnosis& diagnosis) {
  const auto marks = marks_in(text);
  if (marks.empty() || mutated("marks-not-told")) return;
  const bool told = !diagnosis.reached.empty();
  for (const auto& [stage, boot] : marks)
    if (boot == marks.back().boot && rank_of_stage(stage) > rank_of_stage(diagnosis.reached))
      diagnosis.reached = stage;
  if (diagnosis.stage != Stage::hang || told) return;
  auto& cause = diagnosis.cause;
  if (cause.ends_with('.')) cause.pop_back();
  cause += "; as it had marked, " + std::string(sentence_of_stage(diagnosis.reached));
  if (cause.size() > max_line) cause.resize(max_line);
  if (diagnosis.evidence.size() < max_evidence)
    diagnosis.evidence.push_back("cube-update: stage " + marks.back().stage + " boot " +
                                 marks.back().boot);
}

}  // namespace cube
