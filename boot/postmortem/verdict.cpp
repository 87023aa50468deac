#include "boot/postmortem/verdict.h"

#include <algorithm>
#include <cstdlib>

#include "boot/postmortem/root_verdict.h"
#include "boot/postmortem/trial_marks.h"

namespace cube {
namespace {

constexpr std::size_t near_lines = 200;

bool says(const BootStory& boot, std::string_view part) {
  return boot.panic.find(part) != std::string::npos;
}

std::string seconds_of(const BootStory& boot) {
  if (!boot.last_time) return "";
  return " at " + std::to_string(static_cast<long>(*boot.last_time)) + " s";
}

bool initramfs_ran(const BootStory& boot) {
  return boot.has(Sign::initramfs_runs) || boot.has(Sign::initramfs_shell);
}

// A kernel, or what only runs on one.
bool kernel_started(const BootStory& boot) {
  return boot.kernel_spoke() || boot.real_init() ||
         boot.has_any({Sign::kernel_begins, Sign::initramfs_runs, Sign::initramfs_shell, Sign::goal,
                       Sign::root_absent, Sign::mount_failed, Sign::emergency, Sign::init_frozen,
                       Sign::health_failed, Sign::panic, Sign::module_absent, Sign::module_refused,
                       Sign::init_absent, Sign::switch_root_failed, Sign::job_awaited,
                       Sign::busy_system, Sign::oom_kill, Sign::power_lost, Sign::breadcrumb});
}

Finding judge_loader(const BootStory& boot) {
  const std::vector<Sign> signs = {Sign::decompressor_dies, Sign::loader_gives_up,
                                   Sign::no_boot_device, Sign::loader_error,
                                   Sign::kernel_handed_over};
  if (boot.has(Sign::decompressor_dies))
    return {Stage::kernel_early, Confidence::high,
            "The kernel was loaded, but could not unpack itself or start on this machine.", signs};
  if (boot.has(Sign::loader_gives_up))
    return {Stage::loader, Confidence::high, "The boot loader could not load a kernel.", signs};
  if (boot.has(Sign::no_boot_device))
    return {Stage::loader, Confidence::high, "The firmware found nothing to boot.", signs};
  if (boot.has(Sign::kernel_handed_over))
    return {Stage::kernel_early, Confidence::low,
            "The loader handed over to the kernel, which never said a word.", signs};
  if (boot.has(Sign::loader_error))
    return {Stage::loader, Confidence::medium,
            "The boot loader complained, and no kernel followed.", signs};
  if (boot.has_any({Sign::loader_runs, Sign::firmware_begins}))
    return {Stage::loader,
            Confidence::low,
            "The log ends before a kernel was started.",
            {Sign::loader_runs, Sign::firmware_begins}};
  return {Stage::none, Confidence::low, "This log does not say how a boot ended.", {}};
}

Finding where_it_died(const BootStory& boot) {
  const std::vector<Sign> signs = {Sign::oops, Sign::panic};
  const std::string module = boot.oops_module.empty() ? "" : " in the module " + boot.oops_module;
  if (boot.real_init())
    return {Stage::userspace_panic,
            Confidence::high,
            "The kernel died" + module + seconds_of(boot) + ", after the root's init had started.",
            signs,
            {},
            boot.oops_module};
  if (initramfs_ran(boot) || !boot.oops_module.empty())
    return {Stage::initramfs_start,
            Confidence::medium,
            "The kernel died" + module + " while the initramfs ran.",
            signs,
            {},
            boot.oops_module};
  return {Stage::kernel_early,
          Confidence::high,
          "The kernel died before it ran an initramfs or init.",
          signs,
          {},
          boot.oops_module};
}

// The oops is the death; what the initramfs had complained of before is another matter.
bool died_of_itself(const BootStory& boot) {
  return says(boot, "Fatal exception") || says(boot, "Fatal machine check") ||
         says(boot, "Fatal hardware error") ||
         (boot.has(Sign::oops) && !says(boot, "sysrq") && !says(boot, "kill init") &&
          !says(boot, "VFS:"));
}

Finding out_of_memory(Confidence confidence) {
  return {Stage::oom,
          confidence,
          "The memory was used up.",
          {Sign::oom_panic, Sign::oom_kill, Sign::panic}};
}

Finding judge_init_killed(const BootStory& boot) {
  const auto& kill = boot.seen(Sign::oom_kill);
  if (kill.count > 0 && boot.seen(Sign::init_killed).first - kill.last < near_lines)
    return out_of_memory(Confidence::high);
  std::string how;
  const auto at = boot.panic.find("exitcode=0x");
  if (at != std::string::npos) {
    const auto code = std::strtoul(boot.panic.c_str() + at + 11, nullptr, 16);
    how = (code & 0x7f) != 0 ? " (signal " + std::to_string(code & 0x7f) + ")"
                             : " (exit code " + std::to_string((code >> 8) & 0xff) + ")";
  }
  return {Stage::init_died,
          Confidence::high,
          std::string(boot.real_init() ? "init" : "The init of the initramfs") + " ended" + how +
              ", and the kernel cannot go on without it.",
          {Sign::init_killed, Sign::init_frozen}};
}

Finding judge_panic(const BootStory& boot) {
  if (boot.has(Sign::oom_panic)) return out_of_memory(Confidence::high);
  const bool start_failed =
      boot.has_any({Sign::root_panic, Sign::init_absent, Sign::init_killed}) && !boot.real_init();
  if (boot.has(Sign::initramfs_broken) && (start_failed || !initramfs_ran(boot)) &&
      !boot.has(Sign::breadcrumb))
    return {Stage::initramfs_start,
            Confidence::high,
            "The initramfs could not be unpacked.",
            {Sign::initramfs_broken, Sign::root_panic, Sign::panic}};
  if (boot.has(Sign::hang_panic))
    return {Stage::hang,
            Confidence::high,
            "The kernel found itself stuck, and gave up.",
            {Sign::hang_panic, Sign::lockup}};
  const bool asked_for_init = says(boot, "Requested init") || says(boot, "No working init");
  if (!died_of_itself(boot) && (!boot.real_init() || asked_for_init))
    if (auto finding = judge_start(boot)) return *finding;
  if (boot.has(Sign::init_killed)) return judge_init_killed(boot);
  return where_it_died(boot);
}

// init runs, and stopped where a person has to help.
Finding judge_emergency(const BootStory& boot) {
  const std::vector<Sign> signs = {Sign::fs_damaged, Sign::mount_failed, Sign::device_timeout,
                                   Sign::emergency, Sign::unit_failed};
  if (boot.has(Sign::fs_damaged) ||
      (boot.has(Sign::mount_failed) && !boot.has(Sign::device_timeout)))
    return {Stage::mount_failed, Confidence::medium,
            "init runs, but could not mount a file system, and stopped in emergency mode.", signs};
  if (boot.has(Sign::device_timeout))
    return {Stage::health, Confidence::medium,
            "init runs, but a device never appeared, and it stopped in emergency mode.", signs};
  return {Stage::health, Confidence::medium, "init runs, but stopped in emergency mode.", signs};
}

Finding judge_silence(const BootStory& boot) {
  if (boot.has(Sign::orderly_end))
    return {Stage::none,
            Confidence::low,
            "The machine was restarted or stopped in good order.",
            {Sign::orderly_end}};
  if (boot.real_init() && boot.next_boot_begins)
    return {Stage::power,
            Confidence::low,
            "An orderly start ends without a sign" + seconds_of(boot) +
                ", and the machine starts anew: power loss or a reset from outside.",
            {},
            {boot.last_line}};
  if (boot.real_init() && boot.has(Sign::busy_system))
    return {Stage::none,
            Confidence::low,
            "The system was up; the log does not say how it ended.",
            {Sign::busy_system}};
  const std::string marked(sentence_of_stage(boot.reached));
  const std::string where = boot.real_init()      ? "while init started the system"
                            : initramfs_ran(boot) ? "while the initramfs ran"
                                                  : "while the kernel started";
  return {Stage::hang,
          Confidence::low,
          "The log stops without a word " + where + seconds_of(boot) +
              (marked.empty() ? "." : "; as it had marked, " + marked + "."),
          {Sign::job_awaited},
          {boot.last_line}};
}

// Neither panic nor goal.
Finding judge_unfinished(const BootStory& boot) {
  if (!boot.real_init() || boot.has(Sign::init_absent))
    if (auto finding = judge_start(boot)) return *finding;
  if (boot.has(Sign::init_frozen))
    return {Stage::init_died, Confidence::high, "init failed, and froze.", {Sign::init_frozen}};
  if (boot.has(Sign::emergency) && boot.real_init()) return judge_emergency(boot);
  if (boot.has(Sign::oom_kill) && !boot.has(Sign::orderly_end))
    return out_of_memory(Confidence::medium);
  if (boot.has(Sign::power_lost))
    return {Stage::power, Confidence::high, "The power was lost.", {Sign::power_lost}};
  if (boot.has_any({Sign::lockup, Sign::watchdog_reset}))
    return {Stage::hang,
            Confidence::high,
            "A processor or a task got stuck.",
            {Sign::lockup, Sign::watchdog_reset}};
  if (boot.has(Sign::oops) && !boot.has_any({Sign::orderly_end, Sign::busy_system})) {
    auto finding = where_it_died(boot);
    finding.confidence = Confidence::medium;
    return finding;
  }
  if (boot.has(Sign::emergency)) return judge_emergency(boot);
  if (!boot.real_init()) {
    if (boot.has(Sign::root_awaited) || !boot.absent_module.empty() ||
        !boot.refused_module.empty()) {
      auto finding = judge_root_device(boot);
      finding.confidence = std::min(finding.confidence, Confidence::medium);
      return finding;
    }
    if (boot.has(Sign::initramfs_broken) && !boot.has(Sign::orderly_end))
      return {Stage::initramfs_start,
              Confidence::medium,
              "The initramfs could not be unpacked.",
              {Sign::initramfs_broken}};
  }
  return judge_silence(boot);
}

Finding judge_finished(const BootStory& boot) {
  const auto& stuck = boot.seen(Sign::lockup);
  if (stuck.count > 0 && stuck.last > boot.seen(Sign::goal).last &&
      boot.lines() - stuck.last < 80 && boot.next_boot_begins)
    return {Stage::hang,
            Confidence::medium,
            "The system was up, and a processor or a task got stuck.",
            {Sign::lockup}};
  if (boot.has(Sign::power_lost) && boot.next_boot_begins && !boot.has(Sign::orderly_end))
    return {Stage::power,
            Confidence::high,
            "The system was up, and the power was lost.",
            {Sign::power_lost}};
  if (boot.next_boot_begins && !boot.has(Sign::orderly_end))
    return {Stage::power,
            Confidence::low,
            "The system was up, its log ends without a sign, and the machine starts anew: power "
            "loss or a reset from outside.",
            {Sign::goal},
            {boot.last_line}};
  return {Stage::none, Confidence::high, "The boot reached its goal.", {Sign::goal}};
}

// systemd has "finished" in its emergency mode, too.
bool reached_goal(const BootStory& boot) {
  const auto& goal = boot.seen(Sign::goal);
  const bool only_that = goal.count == 1 && goal.text.find("Startup finished") != std::string::npos;
  return goal.count > 0 && !(only_that && boot.has(Sign::emergency));
}

Finding find(const BootStory& boot) {
  if (boot.lines() == 0) return {Stage::none, Confidence::low, "The log is empty.", {}};
  if (!kernel_started(boot)) return judge_loader(boot);
  if (boot.has_any({Sign::panic, Sign::oom_panic})) return judge_panic(boot);
  if (boot.has_any({Sign::health_failed, Sign::trial_rejected}))
    return {Stage::health,
            Confidence::high,
            "The system came up, and its health check failed.",
            {Sign::health_failed, Sign::unit_failed, Sign::trial_rejected}};
  if (reached_goal(boot)) return judge_finished(boot);
  return judge_unfinished(boot);
}

}  // namespace

Diagnosis judge(const BootStory& boot) {
  const Finding finding = find(boot);
  Diagnosis diagnosis;
  diagnosis.stage = finding.stage;
  diagnosis.confidence = finding.confidence;
  diagnosis.cause = finding.cause.substr(0, max_line);
  const auto cite = [&](const std::string& line) {
    if (diagnosis.evidence.size() < max_evidence && !line.empty() &&
        std::find(diagnosis.evidence.begin(), diagnosis.evidence.end(), line.substr(0, max_line)) ==
            diagnosis.evidence.end())
      diagnosis.evidence.push_back(line.substr(0, max_line));
  };
  for (const Sign sign : finding.signs) cite(boot.seen(sign).text);
  for (const auto& line : finding.more) cite(line);
  diagnosis.kernel = boot.kernel;
  diagnosis.trial = boot.trial;
  diagnosis.reached = boot.reached;
  if (finding.stage == Stage::none) return diagnosis;
  cite(boot.seen(Sign::breadcrumb).text);
  cite(boot.panic);
  diagnosis.panic = boot.panic.substr(0, max_line);
  diagnosis.trace = boot.trace;
  diagnosis.module = finding.module.substr(0, max_line);
  diagnosis.device = (boot.device_told.empty() ? boot.root : boot.device_told).substr(0, max_line);
  diagnosis.filesystem = boot.filesystem.substr(0, max_line);
  return diagnosis;
}

}  // namespace cube
