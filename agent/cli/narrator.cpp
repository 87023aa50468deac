#include "agent/cli/narrator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cube {
namespace {

using std::chrono::steady_clock;

constexpr int bar_width = 30;
constexpr std::chrono::milliseconds redraw_every{100};

struct StepLine {
  std::string slot_text(SlotId slot) const { return std::string(to_string(slot)); }
  std::string operator()(const step::Fetch&) const { return "verifying the release's signatures"; }
  std::string operator()(const step::Fill& s) const { return "filling slot " + slot_text(s.slot); }
  std::string operator()(const step::Verify& s) const {
    return "verifying slot " + slot_text(s.slot) + " by re-reading it";
  }
  std::string operator()(const step::WriteSeal& s) const {
    return "sealing slot " + slot_text(s.slot);
  }
  std::string operator()(const step::Arm& s) const {
    return "arming slot " + slot_text(s.slot) + " for one trial boot (" + std::to_string(s.tries) +
           (s.tries == 1 ? " try" : " tries") + " left)";
  }
  std::string operator()(const step::Reboot&) const { return "restarting"; }
  std::string operator()(const step::CheckHealth&) const { return "checking health"; }
  std::string operator()(const step::Bless& s) const {
    return "committing slot " + slot_text(s.slot) + " as the new fallback";
  }
  std::string operator()(const step::Reject& s) const {
    return "taking slot " + slot_text(s.slot) + " out of the boot loader's records";
  }
  template <typename Other>
  std::string operator()(const Other&) const {
    return "";
  }
};

std::string stage_name(const Step& step) {
  static constexpr std::string_view names[] = {
      "record", "fetch",  "reject",       "unseal", "fill",          "verify", "seal",
      "arm",    "reboot", "check-health", "commit", "keep-evidence", "rest",   "fail"};
  return std::string(names[step.index()]);
}

}  // namespace

std::string amount(std::uint64_t value, const std::string& unit) {
  if (unit != "bytes") return std::to_string(value) + " " + unit;
  const auto number = static_cast<double>(value);
  if (value >= 1024ULL * 1024 * 1024)
    return fmt::format("{:.2f} GiB", number / (1024.0 * 1024 * 1024));
  if (value >= 1024ULL * 1024) return fmt::format("{:.1f} MiB", number / (1024.0 * 1024));
  return fmt::format("{:.1f} KiB", number / 1024.0);
}

Narrator::Narrator(bool json) : json_(json), terminal_(::isatty(STDOUT_FILENO) == 1) {}

ProgressSink Narrator::progress() {
  return [this](const Progress& progress) { show(progress); };
}

void Narrator::step(const Journal& journal, const Step& step) {
  const std::string line = std::visit(StepLine{}, step);
  if (line.empty()) return;
  if (json_) {
    const Json::Object event{{"event", "step"},
                             {"step", stage_name(step)},
                             {"phase", std::string(name_of(journal.phase))}};
    fmt::print("{}\n", Json(event).line());
  } else {
    end_bar();
    fmt::print("{}\n", line);
  }
  std::fflush(stdout);
}

void Narrator::show(const Progress& progress) {
  const auto now = steady_clock::now();
  const bool new_stage = progress.stage != stage_;
  if (new_stage) {
    stage_ = progress.stage;
    stage_start_ = now;
  }
  const bool last = progress.total > 0 && progress.done >= progress.total;
  if (!new_stage && !last && now - last_draw_ < redraw_every) return;
  last_draw_ = now;
  if (json_) {
    const Json::Object event{{"event", "progress"},
                             {"stage", progress.stage},
                             {"done", progress.done},
                             {"total", progress.total},
                             {"unit", progress.unit}};
    fmt::print("{}\n", Json(event).line());
    std::fflush(stdout);
  } else if (terminal_) {
    draw_bar(progress);
  } else if (last) {
    fmt::print("  {}: {}\n", progress.stage, amount(progress.total, progress.unit));
    std::fflush(stdout);
  }
}

void Narrator::draw_bar(const Progress& progress) {
  const double seconds = std::chrono::duration<double>(steady_clock::now() - stage_start_).count();
  const double rate = seconds > 0.2 ? static_cast<double>(progress.done) / seconds : 0;
  std::string line = "  " + progress.stage + " ";
  if (progress.total > 0) {
    const double part =
        std::min(1.0, static_cast<double>(progress.done) / static_cast<double>(progress.total));
    const int filled = static_cast<int>(part * bar_width);
    line += fmt::format("[{:#<{}}{:.<{}}] {:3.0f} %  {} of {}", "", filled, "", bar_width - filled,
                        part * 100, amount(progress.done, progress.unit),
                        amount(progress.total, progress.unit));
  } else {
    line += amount(progress.done, progress.unit);
  }
  if (rate > 0) {
    line += fmt::format("  {}/s", amount(static_cast<std::uint64_t>(rate), progress.unit));
    if (progress.total > progress.done)
      line += fmt::format("  {:.0f} s left",
                          static_cast<double>(progress.total - progress.done) / rate);
  }
  fmt::print("\r{}\033[K", line);
  std::fflush(stdout);
  bar_open_ = true;
}

void Narrator::end_bar() {
  if (bar_open_) fmt::print("\n");
  bar_open_ = false;
}

void Narrator::say(const std::string& sentence) {
  if (json_) return;
  end_bar();
  fmt::print("{}\n", sentence);
  std::fflush(stdout);
}

void Narrator::result(Json::Object result) {
  end_bar();
  if (!json_) return;
  result["event"] = Json("result");
  fmt::print("{}\n", Json(std::move(result)).line());
  std::fflush(stdout);
}

}  // namespace cube
