#include "agent/cli/pace.h"

#include <fmt/format.h>

namespace cube {
namespace {

using std::chrono_literals::operator""s;
using std::chrono_literals::operator""ms;

constexpr auto window = 10s;
constexpr auto spacing = 250ms;
constexpr auto too_short = 1s;

}  // namespace

void Pace::begin(Time now, std::uint64_t done) {
  begin_ = now;
  samples_ = {{now, done}};
}

void Pace::note(Time now, std::uint64_t done) {
  // The newest sample moves along until it is far enough from the one before it.
  if (samples_.size() > 1 && now - samples_[samples_.size() - 2].time < spacing)
    samples_.back() = {now, done};
  else
    samples_.push_back({now, done});
  while (samples_.size() > 2 && now - samples_[1].time >= window) samples_.pop_front();
}

std::optional<std::uint64_t> Pace::rate() const {
  if (samples_.empty()) return std::nullopt;
  const Sample& first = samples_.front();
  const Sample& last = samples_.back();
  if (last.time - first.time < too_short || last.done < first.done) return std::nullopt;
  const double seconds = std::chrono::duration<double>(last.time - first.time).count();
  return static_cast<std::uint64_t>(static_cast<double>(last.done - first.done) / seconds);
}

std::optional<std::chrono::seconds> Pace::left(std::uint64_t total) const {
  const auto now = rate();
  if (!now || *now == 0) return std::nullopt;
  const std::uint64_t done = samples_.back().done;
  return std::chrono::seconds(total > done ? (total - done + *now - 1) / *now : 0);
}

std::chrono::seconds Pace::since_begin() const {
  if (samples_.empty()) return 0s;
  return std::chrono::round<std::chrono::seconds>(samples_.back().time - begin_);
}

std::string duration_text(std::chrono::seconds seconds) {
  const auto all = seconds.count();
  if (all < 60) return fmt::format("{} s", all);
  if (all < 3600) return fmt::format("{} min {:02} s", all / 60, all % 60);
  return fmt::format("{} h {:02} min", all / 3600, all / 60 % 60);
}

}  // namespace cube
