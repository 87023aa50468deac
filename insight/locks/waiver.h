// Waiver: lets one finding's refusal through, for a reason and a time.
//
// A publisher gives them with a release, in a file that is signed with it; root gives them on a
// machine. Each names one finding; there are no patterns. The file is the same for both
// (docs/formats/waivers.md); who gave it is told by where it lay.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "insight/finding.h"

namespace cube::insight {

enum class WaivedBy : std::uint8_t { publisher, root };
[[nodiscard]] std::string_view to_string(WaivedBy who);

struct Waiver {
  std::string id;      // of the finding: "lock:kernel"
  std::string reason;  // one line
  WaivedBy by = WaivedBy::root;
  UnixSeconds given = 0;
  UnixSeconds until = 0;  // counts before this, and not before `given`

  bool operator==(const Waiver&) const = default;
};
using Waivers = std::vector<Waiver>;

inline constexpr std::size_t max_waivers = 64;
inline constexpr std::size_t max_waiver_id = 300;      // bytes
inline constexpr std::size_t max_waiver_reason = 200;  // bytes
inline constexpr std::size_t max_waiver_bytes = 64 * 1024;
inline constexpr Seconds longest_waiver = 90 * 24 * 60 * 60;
// How far this machine's clock may be behind the one that gave it.
inline constexpr Seconds waiver_clock_skew = 24 * 60 * 60;

// Where those of a release are in it.
inline constexpr const char* release_waivers_path = "usr/lib/cube-update/waivers.json";

// Errors: invalid (an id that no finding has, no reason, longer than 90 days; of the publisher:
// another check than "lock").
[[nodiscard]] Status check_waiver(const Waiver& waiver);
// Whether it lets anything through at that time. A publisher's only what breaks his own rules: what
// a machine needs, and what its site forbids, is not his to say.
[[nodiscard]] bool is_in_force(const Waiver& waiver, UnixSeconds now);
// Says in each refusal which waiver lets it through, if any is in force.
void apply_waivers(const Waivers& waivers, UnixSeconds now, Findings& findings);
// "by root until 2026-12-25T00:00:00Z: was tested by hand", as Finding::waiver has it.
[[nodiscard]] std::string sentence_of(const Waiver& waiver);

[[nodiscard]] std::string waivers_text(const Waivers& waivers);
// All or none. Errors: corrupt (another form or format, one that check_waiver() refuses).
[[nodiscard]] Result<Waivers> read_waivers(std::string_view text, WaivedBy who);

// "2026-12-24": until the end of that day, UTC; or a time as "2026-12-24T18:00:00Z".
// Errors: invalid.
[[nodiscard]] Result<UnixSeconds> waived_until(const std::string& text);

}  // namespace cube::insight
