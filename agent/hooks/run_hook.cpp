#include "agent/hooks/run_hook.h"

#include <algorithm>

#include "base/log.h"
#include "base/spawn.h"

namespace cube {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::size_t max_output = 16 * 1024;
constexpr std::size_t logged_lines = 20;
constexpr std::size_t max_logged_line = 400;

std::string safe(std::string_view text, std::size_t max_bytes) {
  std::string line(text.substr(0, max_bytes));
  for (char& c : line)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) c = '?';
  return line;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    if (line.find_first_not_of(" \r\t") != std::string_view::npos) lines.push_back(line);
  }
  return lines;
}

void log_end(const std::string& path, const std::string& output) {
  const auto lines = lines_of(output);
  const auto first = lines.size() - std::min(lines.size(), logged_lines);
  for (std::size_t i = first; i < lines.size(); ++i)
    log(Level::info, path + ": " + safe(lines[i], max_logged_line));
}

}  // namespace

std::string last_line(const std::string& output) {
  const auto lines = lines_of(output);
  if (lines.empty()) return "";
  auto line = lines.back();
  while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
  return safe(line, max_hook_detail);
}

HookRun run_hook(const RootDir& root, const Hook& hook, std::chrono::seconds timeout,
                 const std::vector<std::string>& variables) {
  HookRun run{safe(hook.name, max_hook_name), false, safe(hook.defect, max_hook_detail)};
  if (!hook.defect.empty()) return run;
  if (timeout.count() <= 0) {
    run.detail = "no time was left for it";
    return run;
  }
  SpawnOptions options;
  options.timeout = timeout;
  options.max_output = max_output;
  options.keep_end = true;
  options.contained = true;
  options.environment.insert(options.environment.end(), variables.begin(), variables.end());
  const auto outcome = spawn({root.join(hook.path)}, options);
  if (!outcome) {
    run.detail = safe(outcome.error().what, max_hook_detail);
    return run;
  }
  run.passed = outcome->exit_code == 0 && !outcome->timed_out;
  run.detail = last_line(outcome->output);
  if (outcome->timed_out)
    run.detail = "no answer within " + std::to_string(timeout.count()) + " s";
  else if (!run.passed && run.detail.empty())
    run.detail = "exit code " + std::to_string(outcome->exit_code);
  if (!run.passed) log_end(root.join(hook.path), outcome->output);
  return run;
}

Result<std::vector<HookRun>> run_hooks(const RootDir& root, const std::string& occasion,
                                       std::chrono::seconds timeout, std::chrono::seconds total,
                                       const std::vector<std::string>& variables) {
  CUBE_TRY(const auto hooks, hooks_in(root, occasion));
  const auto end = SteadyClock::now() + total;
  std::vector<HookRun> runs;
  for (const auto& hook : hooks) {
    const auto left = std::chrono::duration_cast<std::chrono::seconds>(end - SteadyClock::now());
    runs.push_back(run_hook(root, hook, std::min(timeout, left), variables));
  }
  return runs;
}

std::string failures_of(const std::vector<HookRun>& runs) {
  std::string text;
  for (const auto& run : runs)
    if (!run.passed) text += (text.empty() ? "" : "; ") + run.name + ": " + run.detail;
  return text;
}

}  // namespace cube
