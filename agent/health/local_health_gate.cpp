#include "agent/health/local_health_gate.h"

#include <unistd.h>

#include <algorithm>
#include <map>

#include "agent/power/init_system.h"
#include "base/mutation.h"
#include "base/spawn.h"

namespace cube {
namespace {

constexpr std::size_t max_checks = 200;
constexpr std::size_t max_detail_bytes = 120;

// The last line that says something, made safe for a terminal.
std::string last_line(const std::string& output) {
  const auto end = output.find_last_not_of(" \r\n\t");
  if (end == std::string::npos) return "";
  const auto start = output.find_last_of('\n', end);
  std::string line = output.substr(start == std::string::npos ? 0 : start + 1,
                                   std::min(end + 1, output.size()) -
                                       (start == std::string::npos ? 0 : start + 1));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  if (line.size() > max_detail_bytes) line.resize(max_detail_bytes);
  return line;
}

std::string base_name(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

}  // namespace

Result<std::vector<std::string>> LocalHealthGate::required() const {
  std::map<std::string, std::string> by_name;
  for (const std::string folder :
       {"usr/lib/cube-update/health/required.d", "etc/cube-update/health/required.d"}) {
    auto names = root_.list(folder, max_checks);
    if (!names) {
      if (names.error().code == Errc::not_found) continue;
      return std::move(names).error();
    }
    for (const auto& name : *names) by_name[name] = folder + "/" + name;
  }
  std::vector<std::string> paths;
  paths.reserve(by_name.size());
  for (const auto& [name, path] : by_name) paths.push_back(path);
  return paths;
}

Check LocalHealthGate::run(const std::string& path) const {
  Check check{base_name(path), false, ""};
  const auto st = root_.stat(path);
  if (!st) {
    check.detail = st.error().what;
    return check;
  }
  const bool masked = S_ISCHR(st->st_mode) || (S_ISREG(st->st_mode) && st->st_size == 0);
  if (masked) {
    check.passed = true;
    check.detail = "masked";
    return check;
  }
  if (!S_ISREG(st->st_mode) || (st->st_mode & S_IXUSR) == 0)
    check.detail = "is not executable";
  else if ((st->st_mode & (S_IWGRP | S_IWOTH)) != 0)
    check.detail = "can be written by others than its owner";
  else if (::geteuid() == 0 && st->st_uid != 0)
    check.detail = "does not belong to root";
  if (!check.detail.empty()) return check;
  const auto outcome = spawn({root_.join(path)}, {.timeout = config_.timeout});
  if (!outcome) {
    check.detail = outcome.error().what;
    return check;
  }
  check.passed = outcome->exit_code == 0 && !outcome->timed_out;
  check.detail = last_line(outcome->output);
  if (outcome->timed_out)
    check.detail = "no answer within " + std::to_string(config_.timeout.count()) + " s";
  else if (!check.passed && check.detail.empty())
    check.detail = "exit code " + std::to_string(outcome->exit_code);
  return check;
}

Check LocalHealthGate::check_units() const {
  Check check{"systemd-units", false, ""};
  auto failed = failed_units();
  if (!failed) {
    check.detail = failed.error().what;
    return check;
  }
  std::erase_if(*failed, [&](const std::string& unit) {
    return std::find(config_.ignore_units.begin(), config_.ignore_units.end(), unit) !=
           config_.ignore_units.end();
  });
  check.passed = failed->empty();
  for (const auto& unit : *failed) check.detail += (check.detail.empty() ? "" : ", ") + unit;
  if (!check.passed) check.detail = "failed: " + last_line(check.detail);
  return check;
}

Result<Verdict> LocalHealthGate::check() {
  CUBE_TRY(const auto paths, required());
  Verdict verdict;
  for (const auto& path : paths) verdict.checks.push_back(run(path));
  if (root_.path() == "/" && systemd_runs()) verdict.checks.push_back(check_units());
  verdict.passed = std::all_of(verdict.checks.begin(), verdict.checks.end(),
                               [](const Check& check) { return check.passed; }) ||
                   mutated("health-not-required");
  return verdict;
}

}  // namespace cube
