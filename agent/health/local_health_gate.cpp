#include "agent/health/local_health_gate.h"

#include <algorithm>
#include <future>
#include <thread>

#include "agent/health/unit_checks.h"
#include "agent/health/verdict_file.h"
#include "agent/hooks/run_hook.h"
#include "agent/power/init_system.h"
#include "base/mutation.h"
#include "model/update.h"

namespace cube {
namespace {

using std::chrono::duration_cast;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::chrono::milliseconds nap{200};

bool excused(const Check& check, const HealthQuestion& question) {
  const auto& names = question.failed_before;
  const auto name = check.name.substr(0, max_check_name);
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool decides_against(const Check& check) {
  return check.required && !check.passed && !check.failed_before;
}

}  // namespace

Result<std::vector<LocalHealthGate::Executable>> LocalHealthGate::executables() const {
  std::vector<Executable> all;
  for (const bool required : {true, false}) {
    CUBE_TRY(const auto hooks, hooks_in(root_, required ? "health/required.d" : "health/wanted.d"));
    for (const auto& hook : hooks) {
      Executable executable{hook, {}};
      executable.check.name = hook.name;
      executable.check.required = required;
      executable.check.tries = 0;
      all.push_back(std::move(executable));
    }
  }
  return all;
}

void LocalHealthGate::ask(Executable& executable, Time end, const HealthQuestion& question) const {
  Check& check = executable.check;
  const bool first = check.tries == 0;
  if (check.passed || (!first && (!check.required || check.failed_before))) return;
  ++check.tries;
  if (!question.meanwhile()) {
    check.detail = "stopped on request";
    return;
  }
  const auto left = duration_cast<seconds>(end - steady_clock::now());
  const auto run = run_hook(root_, executable.hook, std::min(config_.timeout, left), {});
  check.passed = run.passed;
  check.detail = run.detail;
  check.failed_before = !run.passed && excused(check, question);
}

Verdict LocalHealthGate::judge(const std::vector<Executable>& executables,
                               const HealthQuestion& question) const {
  Verdict verdict;
  for (const auto& executable : executables) verdict.checks.push_back(executable.check);
  if (root_.path() == "/" && systemd_runs())
    for (auto& check : unit_checks(config_)) {
      check.failed_before = !check.passed && excused(check, question);
      verdict.checks.push_back(std::move(check));
    }
  verdict.passed = std::none_of(verdict.checks.begin(), verdict.checks.end(), decides_against) ||
                   mutated("health-not-required");
  return verdict;
}

Check LocalHealthGate::drift(Time end, const HealthQuestion& question) const {
  std::atomic<bool> stop{false};
  const auto until = std::min<Time>(end, steady_clock::now() + config_.timeout);
  auto work = std::async(std::launch::async, [&] { return config_.drift(stop); });
  while (work.wait_for(nap) != std::future_status::ready)
    if (steady_clock::now() > until || !question.meanwhile()) stop = true;
  return work.get();
}

bool LocalHealthGate::wait(Time end, const HealthQuestion& question) const {
  const auto until = steady_clock::now() + config_.retry_interval;
  if (until >= end) return false;
  while (steady_clock::now() < until) {
    if (!question.meanwhile()) return false;
    std::this_thread::sleep_for(std::min<steady_clock::duration>(nap, until - steady_clock::now()));
  }
  return true;
}

Result<Verdict> LocalHealthGate::check(const HealthQuestion& question) {
  const auto within = question.within ? seconds(*question.within) : config_.within;
  const auto end = steady_clock::now() + within;
  CUBE_TRY(auto all, executables());
  std::vector<Check> told;
  if (config_.drift) told.push_back(drift(end, question));
  const int retries = std::min(config_.retries, question.most_retries);
  for (int round = 0;; ++round) {
    for (auto& executable : all) ask(executable, end, question);
    Verdict verdict = judge(all, question);
    verdict.checks.insert(verdict.checks.end(), told.begin(), told.end());
    const bool again = round < retries && !mutated("health-not-asked-again");
    if (verdict.passed || !again || !wait(end, question)) return verdict;
  }
}

Status LocalHealthGate::keep(std::uint64_t attempt, const Verdict& verdict) {
  return save_verdict(root_, folder_, attempt, verdict);
}

}  // namespace cube
