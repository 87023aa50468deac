#include "agent/cli/narrator.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace cube {
namespace {

constexpr int bar_width = 30;
constexpr std::chrono::milliseconds redraw_every{100};
constexpr std::chrono::milliseconds tell_programs_every{250};

struct StepLine {
  std::string slot_text(SlotId slot) const { return std::string(to_string(slot)); }
  std::string operator()(const step::Fetch&) const { return "verifying the release's signatures"; }
  std::string operator()(const step::Stage&) const { return "downloading"; }
  std::string operator()(const step::Fill& s) const { return "filling slot " + slot_text(s.slot); }
  std::string operator()(const step::Verify& s) const {
    return "verifying slot " + slot_text(s.slot) + " by re-reading it";
  }
  std::string operator()(const step::LookAhead&) const {
    return "holding the release against this machine and its rules";
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
  std::string operator()(const step::AskHealth&) const { return "asking what is not well by now"; }
  std::string operator()(const step::PrepareRestart&) const {
    return "asking whether the machine may restart";
  }
  std::string operator()(const step::Migrate& s) const { return "migrating: " + s.hook; }
  std::string operator()(const step::FailOnPurpose& s) const {
    return "failing on purpose: " + std::string(to_string(s.how));
  }
  std::string operator()(const step::RunHooks&) const { return "running hooks after the update"; }
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
      "record", "fetch",  "stage",        "reject",     "unseal",          "fill",    "verify",
      "look-ahead", "seal",   "arm",    "reboot",       "check-health", "ask-health",    "prepare-restart",
      "migrate", "run-hooks", "fail-on-purpose", "commit",   "keep-evidence", "rest",         "fail"};
  static_assert(std::size(names) == std::variant_size_v<Step>);
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

Outlet Outlet::standard_output(bool json) {
  const auto write = [](const std::string& text) {
    // Not fmt::print, which throws when nobody reads any more.
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
  };
  return {json, ::isatty(STDOUT_FILENO) == 1, write,
          [] { return std::chrono::steady_clock::now(); }};
}

ProgressSink Narrator::progress() {
  return [this](const Progress& progress) { show(progress); };
}

ProgressSink Narrator::progress(const std::atomic<bool>& stop) {
  return {[this](const Progress& progress) { show(progress); }, stop};
}

void Narrator::step(const Journal& journal, const Step& step) {
  const std::string line = std::visit(StepLine{}, step);
  if (line.empty()) return;
  end_stage();
  last_ = {};
  if (out_.json) {
    const Json::Object event{{"event", "step"},
                             {"step", stage_name(step)},
                             {"phase", std::string(name_of(journal.phase))}};
    out_.write(Json(event).line() + "\n");
  } else {
    close_bar();
    out_.write(line + "\n");
  }
}

void Narrator::show(const Progress& progress) {
  const auto now = out_.now();
  const bool goes_on =
      progress.stage == last_.stage && progress.unit == last_.unit && progress.done >= last_.done;
  if (!stage_open_ && goes_on) return;  // its end was told
  const bool begins = !stage_open_ || !goes_on;
  if (begins) begin_stage(progress, now);
  pace_.note(now, progress.done);
  last_ = progress;
  const bool ends = progress.total > 0 && progress.done >= progress.total;
  const auto pause = out_.json ? tell_programs_every : redraw_every;
  if (begins || ends || now - last_told_ >= pause) {
    last_told_ = now;
    if (out_.json)
      write_json(progress);
    else if (out_.terminal)
      draw_bar(progress);
  }
  if (ends) end_stage();
}

void Narrator::begin_stage(const Progress& progress, Pace::Time now) {
  end_stage();
  stage_open_ = true;
  pace_.begin(now, progress.done);
}

void Narrator::end_stage() {
  if (stage_open_ && !out_.json && !out_.terminal && last_.done > 0)
    out_.write(fmt::format("  {}: {} in {}\n", last_.stage, amount(last_.done, last_.unit),
                           duration_text(pace_.since_begin())));
  if (stage_open_) close_bar();
  stage_open_ = false;
}

void Narrator::write_json(const Progress& progress) {
  const auto rate = pace_.rate();
  const auto left = progress.total > 0 ? pace_.left(progress.total) : std::nullopt;
  const Json::Object event{
      {"event", "progress"},
      {"stage", progress.stage},
      {"done", progress.done},
      {"total", progress.total},
      {"unit", progress.unit},
      {"rate", rate ? Json(*rate) : Json()},
      {"eta", left ? Json(static_cast<std::uint64_t>(left->count())) : Json()}};
  out_.write(Json(event).line() + "\n");
}

void Narrator::draw_bar(const Progress& progress) {
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
  if (const auto rate = pace_.rate(); rate && progress.unit != "seconds")
    line += fmt::format("  {}/s", amount(*rate, progress.unit));
  if (progress.total > 0 && progress.done >= progress.total)
    line += "  in " + duration_text(pace_.since_begin());
  else if (const auto left = pace_.left(progress.total); progress.total > 0 && left)
    line += fmt::format("  {} left", duration_text(*left));
  out_.write("\r" + line + "\033[K");
  bar_open_ = true;
}

void Narrator::close_bar() {
  if (bar_open_) out_.write("\n");
  bar_open_ = false;
}

void Narrator::say(const std::string& sentence) {
  if (out_.json) return;
  end_stage();
  out_.write(sentence + "\n");
}

void Narrator::result(Json::Object result) {
  end_stage();
  if (!out_.json) return;
  result["event"] = Json("result");
  out_.write(Json(std::move(result)).line() + "\n");
}

}  // namespace cube
