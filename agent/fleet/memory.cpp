#include "agent/fleet/memory.h"

#include "base/durable_file.h"
#include "base/json.h"

namespace cube::fleet {
namespace {

constexpr const char* folder = "var/lib/cube-update";
constexpr const char* file = "var/lib/cube-update/fleet.json";
constexpr std::size_t max_bytes = 256 * 1024;
constexpr std::uint64_t format = 1;

// A digit string: JSON readers elsewhere lose what is above 2^53.
Json number(std::uint64_t value) {
  return std::to_string(value);
}

Result<std::uint64_t> number_at(const Json& json, const char* key) {
  CUBE_TRY(const auto text, json.string_at(key));
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 20)
    return Error{Errc::corrupt, std::string(key) + ": no number"};
  for (const char c : text) {
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (c < '0' || c > '9' || value > (UINT64_MAX - digit) / 10)
      return Error{Errc::corrupt, std::string(key) + ": no number"};
    value = value * 10 + digit;
  }
  return value;
}

Result<Revision> revision_at(const Json& json, const char* key) {
  CUBE_TRY(const auto value, number_at(json, key));
  if (value > INT64_MAX) return Error{Errc::corrupt, std::string(key) + ": no revision"};
  return static_cast<Revision>(value);
}

Json to_json(const Moment& moment) {
  return Json::Object{{"boot_id", moment.boot_id}, {"uptime", moment.uptime}};
}

Result<Moment> moment_at(const Json& json, const char* key) {
  CUBE_TRY(const auto found, json.member(key));
  Moment moment;
  CUBE_TRY(moment.boot_id, found.string_at("boot_id"));
  CUBE_TRY(const auto uptime, found.unsigned_at("uptime"));
  moment.uptime = static_cast<Seconds>(uptime & INT32_MAX);
  return moment;
}

Json to_json(const Place& place) {
  return Json::Object{{"attempt", number(place.attempt)},
                      {"rollout", place.rollout},
                      {"release", place.release},
                      {"nonce", place.nonce},
                      {"canary", place.canary},
                      {"created", number(static_cast<std::uint64_t>(place.created))},
                      {"unsure", place.unsure},
                      {"lost", place.lost},
                      {"reported", place.reported}};
}

Result<Place> read_place(const Json& json) {
  Place place;
  CUBE_TRY(place.attempt, number_at(json, "attempt"));
  CUBE_TRY(place.rollout, json.string_at("rollout"));
  CUBE_TRY(place.release, json.string_at("release"));
  CUBE_TRY(place.nonce, json.string_at("nonce"));
  CUBE_TRY(const auto canary, json.member("canary"));
  CUBE_TRY(place.canary, canary.boolean());
  CUBE_TRY(place.created, revision_at(json, "created"));
  CUBE_TRY(const auto unsure, json.member("unsure"));
  CUBE_TRY(place.unsure, unsure.boolean());
  CUBE_TRY(const auto lost, json.member("lost"));
  CUBE_TRY(place.lost, lost.boolean());
  CUBE_TRY(const auto reported, json.member("reported"));
  CUBE_TRY(place.reported, reported.boolean());
  return place;
}

Result<Watched> read_watched(const Json& json) {
  Watched watched;
  CUBE_TRY(watched.node, json.string_at("node"));
  CUBE_TRY(watched.created, revision_at(json, "created"));
  CUBE_TRY(watched.since, moment_at(json, "since"));
  return watched;
}

}  // namespace

Result<FleetMemory> parse_memory(std::string_view text) {
  JsonLimits limits;
  limits.max_bytes = max_bytes;
  CUBE_TRY(const auto json, Json::parse(text, limits));
  CUBE_TRY(const auto version, json.unsigned_at("format"));
  if (version != format) return Error{Errc::corrupt, "written by another version of cube-update"};
  FleetMemory memory;
  CUBE_TRY(memory.self, json.string_at("self"));
  CUBE_TRY(memory.holdings, number_at(json, "holdings"));
  CUBE_TRY(memory.store, number_at(json, "store"));
  CUBE_TRY(memory.revision, revision_at(json, "revision"));
  CUBE_TRY(memory.told, json.string_at("told"));
  CUBE_TRY(memory.shown, json.string_at("shown"));
  if (json.has("place")) {
    CUBE_TRY(const auto place, json.member("place"));
    CUBE_TRY(memory.place, read_place(place));
  }
  CUBE_TRY(memory.queued, json.string_at("queued"));
  if (json.has("ask_again")) {
    CUBE_TRY(memory.ask_again, moment_at(json, "ask_again"));
  }
  if (json.has("looked")) {
    CUBE_TRY(memory.looked, moment_at(json, "looked"));
  }
  if (json.has("wary")) {
    CUBE_TRY(memory.wary, moment_at(json, "wary"));
  }
  if (json.has("blocked")) {  // older versions did not keep it
    CUBE_TRY(const auto blocked, json.member("blocked"));
    CUBE_TRY(const auto releases, blocked.object());
    for (const auto& [release, why] : releases) {
      CUBE_TRY(memory.blocked[release], why.string());
    }
  }
  CUBE_TRY(const auto member, json.member("watched"));
  CUBE_TRY(const auto list, member.array());
  for (const auto& one : list) {
    CUBE_TRY(auto watched, read_watched(one));
    memory.watched.push_back(std::move(watched));
  }
  return memory;
}

std::string render(const FleetMemory& memory) {
  Json::Array watched;
  for (const auto& one : memory.watched)
    watched.push_back(Json::Object{{"node", one.node},
                                   {"created", number(static_cast<std::uint64_t>(one.created))},
                                   {"since", to_json(one.since)}});
  Json::Object blocked;
  for (const auto& [release, why] : memory.blocked) blocked[release] = why;
  Json::Object json{{"format", format},
                    {"blocked", blocked},
                    {"self", memory.self},
                    {"holdings", number(memory.holdings)},
                    {"store", number(memory.store)},
                    {"revision", number(static_cast<std::uint64_t>(memory.revision))},
                    {"told", memory.told},
                    {"shown", memory.shown},
                    {"queued", memory.queued},
                    {"watched", watched}};
  if (memory.place) json["place"] = to_json(*memory.place);
  if (memory.ask_again) json["ask_again"] = to_json(*memory.ask_again);
  if (memory.looked) json["looked"] = to_json(*memory.looked);
  if (memory.wary) json["wary"] = to_json(*memory.wary);
  return Json(json).pretty() + "\n";
}

Result<FleetMemory> FileFleetMemory::load() const {
  auto text = root_.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return FleetMemory{};
  if (!text) return std::move(text).error();
  auto memory = parse_memory(*text);
  if (!memory)
    return std::move(memory).error().in("/" + std::string(file) +
                                        " (see docs/fleet.md before it is removed)");
  return memory;
}

Status FileFleetMemory::save(const FleetMemory& memory) {
  CUBE_CHECK(root_.make_dirs(folder));
  return replace_file(root_, file, render(memory));
}

}  // namespace cube::fleet
