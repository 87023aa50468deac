#include "agent/schedule/download_start.h"

#include <algorithm>
#include <charconv>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/mutation.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr const char* folder = "var/lib/cube-update";
constexpr const char* file = "var/lib/cube-update/download-start";
constexpr std::size_t max_bytes = 512;

}  // namespace

std::optional<PlannedDownload> DownloadStart::waiting() const {
  if (spread_ == 0) return std::nullopt;
  const auto text = root_.read_file(file, max_bytes);
  if (!text) return std::nullopt;
  const auto blank = text->find(' ');
  if (blank == std::string::npos || !is_safe_name(text->substr(0, blank))) return std::nullopt;
  PlannedDownload planned{text->substr(0, blank), 0};
  const char* end = text->data() + text->size();
  if (std::from_chars(text->data() + blank + 1, end, planned.at).ec != std::errc())
    return std::nullopt;
  return planned;
}

// 0 to the spread, the same whenever this machine asks for the same release; less when a window is
// near.
Seconds DownloadStart::share(const std::string& release, UnixSeconds now) const {
  Seconds most = spread_;
  const auto next = schedule_.has_windows() ? schedule_.next_start(now)
                                            : Result<std::optional<Opening>>(std::nullopt);
  if (next && *next) most = std::clamp<Seconds>(((*next)->begin - now) / 2, 0, spread_);
  const auto machine = root_.read_file("etc/machine-id", 128);
  const auto digest = sha256((machine ? *machine : "") + "\n" + release);
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < 4; ++i) number = number << 8 | digest[i];
  // Of 32 bits: a product of 64.
  return static_cast<Seconds>(number * static_cast<std::uint64_t>(most + 1) >> 32);
}

Result<UnixSeconds> DownloadStart::begin_of(const std::string& release, UnixSeconds now) {
  if (spread_ == 0 || mutated("download-not-spread")) return now;
  const auto before = waiting();
  if (before && before->release == release && before->at <= now + spread_) return before->at;
  const UnixSeconds at = now + share(release, now);
  CUBE_CHECK(root_.make_dirs(folder));
  CUBE_CHECK(replace_file(root_, file, release + " " + std::to_string(at) + "\n"));
  return at;
}

bool DownloadStart::is_due(UnixSeconds now) const {
  const auto planned = waiting();
  return planned && (planned->at <= now || planned->at > now + spread_);
}

Status DownloadStart::forget() {
  return root_.remove_file(file);
}

}  // namespace cube
