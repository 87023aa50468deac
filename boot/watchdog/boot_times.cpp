#include "boot/watchdog/boot_times.h"

#include <algorithm>

#include "base/durable_file.h"
#include "base/json.h"
#include "base/mutation.h"
#include "boot/watchdog/boot_watchdog.h"

namespace cube {
namespace {

constexpr std::size_t max_times = 8;
constexpr std::size_t max_file_bytes = 4096;
constexpr Seconds nothing_known = 600, margin = 120;

Result<std::vector<Seconds>> parse_times(std::string_view text) {
  CUBE_TRY(const auto json, Json::parse(text));
  CUBE_TRY(const auto member, json.member("seconds"));
  CUBE_TRY(const auto items, member.array());
  std::vector<Seconds> times;
  for (const auto& item : items) {
    CUBE_TRY(const auto seconds, item.unsigned_integer());
    if (seconds > static_cast<std::uint64_t>(max_watchdog_seconds))
      return Error{Errc::corrupt, "seconds: too large"};
    times.push_back(static_cast<Seconds>(seconds));
  }
  return times;
}

}  // namespace

Seconds allowance_after(const std::vector<Seconds>& known) {
  if (known.empty()) return nothing_known;
  const Seconds longest = *std::max_element(known.begin(), known.end());
  if (mutated("boot-time-without-margin")) return longest;
  return std::min(2 * longest + margin, max_watchdog_seconds);
}

std::vector<Seconds> BootTimes::known() const {
  const auto text = root_.read_file(path_, max_file_bytes);
  if (!text) return {};
  auto times = parse_times(*text);
  return times ? *std::move(times) : std::vector<Seconds>{};
}

Seconds BootTimes::allowance() const {
  return allowance_after(known());
}

Status BootTimes::add(Seconds seconds) const {
  auto times = known();
  times.push_back(std::clamp<Seconds>(seconds, 0, max_watchdog_seconds));
  if (times.size() > max_times) times.erase(times.begin(), times.end() - max_times);
  Json::Array items;
  for (const Seconds time : times) items.emplace_back(static_cast<std::uint64_t>(time));
  return replace_file(root_, path_, Json(Json::Object{{"seconds", Json(items)}}).line() + "\n",
                      0600);
}

}  // namespace cube
