#include "insight/locks/waiver.h"

#include <algorithm>

#include "base/json.h"
#include "base/mutation.h"
#include "insight/inventory/inventory.h"

namespace cube::insight {
namespace {

constexpr std::uint64_t format = 1;
constexpr std::string_view own_check = "lock:";

// As it may stand in a file and on a terminal.
bool is_one_line(const std::string& text, std::size_t most) {
  return !text.empty() && text.size() <= most && readable(text) == text;
}

bool is_check(std::string_view word) {
  return !word.empty() && std::all_of(word.begin(), word.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

// The one that lets the finding through; nullptr: none.
const Waiver* waiver_for(const Waivers& waivers, UnixSeconds now, const Finding& finding) {
  const auto found = std::find_if(waivers.begin(), waivers.end(), [&](const Waiver& waiver) {
    return waiver.id == finding.id() && is_in_force(waiver, now);
  });
  return found == waivers.end() ? nullptr : &*found;
}

Result<Waiver> waiver_of(const Json& json, WaivedBy who) {
  Waiver waiver;
  waiver.by = who;
  CUBE_TRY(waiver.id, json.string_at("id"));
  CUBE_TRY(waiver.reason, json.string_at("reason"));
  for (const auto& [name, time] :
       {std::pair{"given", &waiver.given}, std::pair{"until", &waiver.until}}) {
    CUBE_TRY(const auto text, json.string_at(name));
    CUBE_TRY(*time, parse_utc(text));
  }
  CUBE_CHECK(check_waiver(waiver));
  return waiver;
}

Result<Waivers> waivers_of(const Json& json, WaivedBy who) {
  CUBE_TRY(const auto found, json.unsigned_at("format"));
  if (found != format)
    return Error{Errc::corrupt, "is of format " + std::to_string(found) + ", not 1"};
  CUBE_TRY(const auto list, json.member("waivers"));
  CUBE_TRY(const auto members, list.array());
  if (members.size() > max_waivers) return Error{Errc::corrupt, "has more than 64 waivers"};
  Waivers waivers;
  for (const auto& member : members) {
    CUBE_TRY(auto waiver, waiver_of(member, who));
    waivers.push_back(std::move(waiver));
  }
  return waivers;
}

}  // namespace

std::string_view to_string(WaivedBy who) {
  return who == WaivedBy::publisher ? "publisher" : "root";
}

Status check_waiver(const Waiver& waiver) {
  const auto colon = waiver.id.find(':');
  if (!is_one_line(waiver.id, max_waiver_id) || colon == std::string::npos ||
      colon + 1 == waiver.id.size() || !is_check(std::string_view(waiver.id).substr(0, colon)))
    return Error{Errc::invalid, "\"" + readable(waiver.id).substr(0, max_waiver_id) +
                                    "\" is no finding like lock:kernel"};
  const auto wrong = [&](const std::string& what) {
    return Error{Errc::invalid, "waiver of " + waiver.id + ": " + what};
  };
  if (!is_one_line(waiver.reason, max_waiver_reason))
    return wrong("give a reason of one line, at most 200 bytes");
  if (waiver.given < 0 || waiver.until <= waiver.given)
    return wrong("it ends before it begins, at " + format_utc(waiver.given));
  if (waiver.until - waiver.given > longest_waiver)
    return wrong("is longer than 90 days from " + format_utc(waiver.given));
  if (waiver.by == WaivedBy::publisher && !waiver.id.starts_with(own_check))
    return wrong("a publisher waives his own rules only, lock:...; on the machine root may");
  return ok();
}

bool is_in_force(const Waiver& waiver, UnixSeconds now) {
  if (mutated("waiver-of-publisher-for-all") && waiver.by == WaivedBy::publisher) return true;
  if (!check_waiver(waiver)) return false;
  if (mutated("waiver-expiry-ignored")) return true;
  return waiver.given <= now + waiver_clock_skew && now < waiver.until;
}

void apply_waivers(const Waivers& waivers, UnixSeconds now, Findings& findings) {
  for (auto& finding : findings) {
    if (finding.grade != Grade::refusal) continue;
    const auto* waiver = waiver_for(waivers, now, finding);
    finding.waiver = waiver == nullptr ? "" : sentence_of(*waiver);
  }
}

std::string sentence_of(const Waiver& waiver) {
  return "by " + std::string(to_string(waiver.by)) + " until " + format_utc(waiver.until) + ": " +
         waiver.reason;
}

std::string waivers_text(const Waivers& waivers) {
  Json::Array list;
  for (const auto& waiver : waivers)
    list.push_back(Json::Object{{"id", waiver.id},
                                {"reason", waiver.reason},
                                {"given", format_utc(waiver.given)},
                                {"until", format_utc(waiver.until)}});
  return Json(Json::Object{{"format", format}, {"waivers", std::move(list)}}).pretty();
}

Result<Waivers> read_waivers(std::string_view text, WaivedBy who) {
  auto json = Json::parse(text, {max_waiver_bytes, 4});
  if (!json) return std::move(json).error().in("waivers");
  auto waivers = waivers_of(*json, who);
  if (waivers) return waivers;
  return Error{Errc::corrupt, "waivers: " + waivers.error().what};
}

Result<UnixSeconds> waived_until(const std::string& text) {
  constexpr Seconds day = 24 * 60 * 60;
  if (text.size() == 10) {
    if (const auto begin = parse_utc(text + "T00:00:00Z")) return *begin + day;
  } else if (auto time = parse_utc(text)) {
    return time;
  }
  return Error{Errc::invalid, "\"" + readable(text).substr(0, 40) +
                                  "\" is no day like 2026-12-24 and no time like "
                                  "2026-12-24T18:00:00Z"};
}

}  // namespace cube::insight
