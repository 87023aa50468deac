// A plan to be spoilt, and one with one rollout to be judged.
#pragma once

#include <stdexcept>
#include <string>

namespace cube::fleet {

inline constexpr const char* old_release = "CUBE_2.9.0_20260101-0000_aaaa1111";
inline constexpr const char* barrier_release = "CUBE_3.0.0_20260901-0000_aaaa1111";
inline constexpr const char* new_release = "CUBE_3.1.0_20261120-0000_bbbb2222";

inline constexpr const char* good_plan = R"({
  "schema": 1, "channel": "stable", "serial": 412,
  "issued": "2026-11-23T00:00:00Z", "expires": "2027-02-21T00:00:00Z",
  "releases": [
    {"name": "CUBE_3.0.0_20260901-0000_aaaa1111", "barrier": true, "etcd_minor": "3.5"},
    {"name": "CUBE_3.1.0_20261120-0000_bbbb2222", "min_from": "2.9.0"},
    {"name": "CUBE_2.8.0_20250101-0000_dddd4444", "dead_end": "its disks have another layout"}],
  "blocked": [{"name": "CUBE_3.0.4_20261001-0000_cccc3333", "reason": "loses the bond"}],
  "rollouts": [
    {"id": "fw-3.1.0-a", "release": "CUBE_3.1.0_20261120-0000_bbbb2222", "salt": "fw-3.1.0-a",
     "start": "2026-11-25T00:00:00Z",
     "ramp": [{"after": "PT0S", "ppm": 10000}, {"after": "P1D", "ppm": 100000},
              {"after": "P3D", "ppm": 500000}, {"after": "P5D", "ppm": 1000000}],
     "interpolate": "linear", "canary": {"labels": ["canary=true"], "after": "PT1H"},
     "soak": "PT24H", "deadline": "P21D", "attempts": 3,
     "limits": {"max_unavailable": 4, "one_domain": false, "fail_count": 3, "fail_percent": 6,
                "fail_min_sample": 21, "by_hardware": false, "hold_deadline": "PT80M"}}],
  "windows": [{"time_zone": "Asia/Taipei", "open": ["1st,3rd Sat 01:00 +5h"],
               "except": ["2026-12-26"]}]})";

inline std::string spoilt(std::string text, const std::string& from, const std::string& to) {
  const auto at = text.find(from);
  if (at == std::string::npos) throw std::runtime_error("not in the plan: " + from);
  return text.replace(at, from.size(), to);
}

}  // namespace cube::fleet
