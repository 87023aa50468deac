#include "agent/cli/ramp_chart.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

namespace cube::cli {
namespace {

using fleet::all_units;
using fleet::Interpolate;
using fleet::Rollout;

// Of the drawing, in its own units; the page scales it to about as many pixels.
constexpr int width = 340, left = 40, right = 332, top = 22, bottom = 150, height = 174;
constexpr Seconds day = 86400;

struct Span {
  UnixSeconds from = 0, to = 0;
  [[nodiscard]] double x(UnixSeconds at) const {
    const auto part = static_cast<double>(at - from) / static_cast<double>(to - from);
    return left + part * (right - left);
  }
  [[nodiscard]] bool holds(UnixSeconds at) const { return at >= from && at <= to; }
};

double y(std::uint32_t ppm) {
  return bottom - static_cast<double>(ppm) / all_units * (bottom - top);
}

// What is to be seen, and a tenth of it at both ends.
Span span_of(const Rollout& rollout, UnixSeconds now) {
  const auto start = rollout.ramp.start;
  UnixSeconds from = start, to = start + std::max(rollout.ramp.points.back().after, day);
  if (rollout.deadline) to = std::max(to, start + *rollout.deadline);
  const auto most = 10 * (to - from);
  if (now < from && from - now <= most) from = now;
  if (now > to && now - to <= most) to = now;
  const auto margin = (to - from) / 10;
  return {from - margin, to + margin};
}

std::string path_of(const Rollout& rollout, const Span& span) {
  const auto& ramp = rollout.ramp;
  std::string path = fmt::format("M{:.1f} {:.1f}", span.x(span.from), y(0));
  std::uint32_t share = 0;
  for (const auto& point : ramp.points) {
    const auto x = span.x(ramp.start + point.after);
    const bool first = &point == &ramp.points.front();
    if (first || ramp.interpolate == Interpolate::step)
      path += fmt::format("L{:.1f} {:.1f}", x, y(share));
    path += fmt::format("L{:.1f} {:.1f}", x, y(point.ppm));
    share = point.ppm;
  }
  return path + fmt::format("L{:.1f} {:.1f}", span.x(span.to), y(share));
}

std::string date(UnixSeconds at) {
  return format_utc(std::clamp<UnixSeconds>(at, 0, last_second)).substr(0, 10);
}

std::string axes(const Span& span) {
  std::string out;
  for (const std::uint32_t share : {0U, all_units / 2, all_units})
    out += fmt::format(
        R"(<line class="grid" x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}"/><text x="{}" y="{:.1f}" text-anchor="end">{}</text>)",
        left, right, y(share), y(share), left - 6, y(share) + 4, percent(share));
  const auto margin = (span.to - span.from) / 12;
  const auto first = span.from + margin, last = span.to - margin;
  out +=
      fmt::format(R"(<text x="{:.1f}" y="{}">{}</text>)", span.x(first), height - 6, date(first));
  out += fmt::format(R"(<text x="{:.1f}" y="{}" text-anchor="end">{}</text>)", span.x(last),
                     height - 6, date(last));
  return out;
}

std::string upright(const Span& span, UnixSeconds at, const char* kind, const char* word) {
  if (!span.holds(at)) return "";
  const auto x = span.x(at);
  const bool late = x > (left + right) / 2.0;
  return fmt::format(
      R"(<line class="{0}" x1="{1:.1f}" x2="{1:.1f}" y1="{2}" y2="{3}"/><text class="{0}" x="{4:.1f}" y="{2}" text-anchor="{5}">{6}</text>)",
      kind, x, top - 10, bottom, late ? x - 5 : x + 5, late ? "end" : "start", word);
}

}  // namespace

std::string percent(std::uint32_t ppm) {
  if (ppm % 10'000 == 0) return fmt::format("{} %", ppm / 10'000);
  return fmt::format("{}.{:02} %", ppm / 10'000, ppm / 100 % 100);
}

std::string ramp_chart(const Rollout& rollout, const std::string& unit, UnixSeconds now) {
  const auto span = span_of(rollout, now);
  const auto share = ppm_at(rollout.ramp, now);
  const auto path = path_of(rollout, span);
  std::string out = fmt::format(
      R"(<svg viewBox="0 0 {} {}" role="img" aria-label="Share that may begin by time; now {}">)",
      width, height, percent(share));
  out += axes(span);
  out += fmt::format(R"(<path class="area" d="{}L{} {}Z"/><path class="curve" d="{}"/>)", path,
                     right, bottom, path);
  if (rollout.deadline)
    out += upright(span, rollout.ramp.start + *rollout.deadline, "deadline", "deadline");
  out += upright(span, now, "now", "now");
  const auto turn = reaches(rollout.ramp, fleet::bucket_of(rollout.salt, unit));
  if (turn && span.holds(*turn))
    out += fmt::format(R"(<circle class="turn" cx="{:.1f}" cy="{:.1f}" r="4"/>)", span.x(*turn),
                       y(ppm_at(rollout.ramp, *turn)));
  return out + "</svg>";
}

}  // namespace cube::cli
