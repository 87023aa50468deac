#include "agent/fleet/lock_turn.h"

#include <utility>

#include "base/durable_file.h"
#include "base/json.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

constexpr const char* folder = "var/lib/cube-update";
constexpr const char* file = "var/lib/cube-update/fleet-lock.json";
constexpr std::size_t max_bytes = 64 * 1024;
constexpr std::uint64_t format = 1;

Result<LockPlace> parse_place(const std::string& text) {
  CUBE_TRY(const auto json, Json::parse(text));
  CUBE_TRY(const auto version, json.unsigned_at("format"));
  if (version != format) return Error{Errc::corrupt, "written by another version of cube-update"};
  LockPlace place;
  CUBE_TRY(place.attempt, json.unsigned_at("attempt"));
  CUBE_TRY(place.url, json.string_at("url"));
  CUBE_TRY(place.group, json.string_at("group"));
  CUBE_TRY(place.id, json.string_at("id"));
  CUBE_TRY(place.told, json.string_at("told"));
  for (const auto& [name, flag] :
       {std::pair{"taken", &place.taken}, std::pair{"back", &place.back}}) {
    CUBE_TRY(const auto value, json.member(name));
    CUBE_TRY(*flag, value.boolean());
  }
  return place;
}

std::string render(const LockPlace& place) {
  return Json(Json::Object{{"format", format},
                           {"attempt", place.attempt},
                           {"url", place.url},
                           {"group", place.group},
                           {"id", place.id},
                           {"told", place.told},
                           {"taken", place.taken},
                           {"back", place.back}})
             .line() +
         "\n";
}

// The lock that a place is of, asked as the configuration says.
FleetLockConfig of_place(FleetLockConfig config, const LockPlace& place) {
  config.url = place.url;
  config.group = place.group;
  config.id = place.id;
  return config;
}

}  // namespace

Result<LockTurn> LockTurn::open(const RootDir& root, FleetLockConfig config,
                                BackToWork back_to_work) {
  CUBE_CHECK(FleetLock::open(config));
  return LockTurn(root, std::move(config), std::move(back_to_work));
}

Result<std::optional<LockPlace>> LockTurn::remembered() const {
  const auto text = root_.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<LockPlace>();
  if (!text) return text.error();
  auto place = parse_place(*text);
  if (place) return std::optional(std::move(*place));
  return Error{Errc::corrupt,
               root_.join(file) + ": " + place.error().what +
                   "; remove it, and give the place back with `cube-update fleet unlock`"};
}

Status LockTurn::remember(const LockPlace& place) const {
  CUBE_CHECK(root_.make_dirs(folder));
  return replace_file(root_, file, render(place));
}

Result<std::string> LockTurn::tell(LockPlace place, std::string what) const {
  if (place.told == what) return what;
  place.told = what;
  CUBE_CHECK(remember(place));
  return what;
}

Result<std::string> LockTurn::ask(std::uint64_t attempt) {
  CUBE_TRY(const auto before, remembered());
  LockPlace place{attempt, config_.url, config_.group, config_.id, "", false, false};
  if (before) place.taken = before->taken;
  const bool elsewhere = before && (before->url != place.url || before->group != place.group ||
                                    before->id != place.id);
  if (elsewhere) return Error{Errc::failed, "a place at " + before->url + " is not given back yet"};
  // Before the question: its answer may be lost.
  if (!mutated("lock-asked-before-noted")) CUBE_CHECK(remember(place));
  CUBE_TRY(auto lock, FleetLock::open(config_));
  const auto taken = lock.pre_reboot();
  if (taken || mutated("lock-not-asked")) {
    place.taken = true;
    CUBE_CHECK(remember(place));
    return std::string();
  }
  CUBE_TRY(const auto told, tell(place, taken.error().what));
  if (taken.error().code == Errc::busy) return told;
  return taken.error();
}

Result<std::optional<std::uint64_t>> LockTurn::attempt() const {
  CUBE_TRY(const auto place, remembered());
  return place ? std::optional(place->attempt) : std::nullopt;
}

Result<std::string> LockTurn::told() const {
  CUBE_TRY(const auto place, remembered());
  return place ? place->told : std::string();
}

Result<std::string> LockTurn::settle(const Ending& ending) {
  CUBE_TRY(auto place, remembered());
  if (!place || ending.fate == Fate::under_way) return std::string();
  if (place->taken && !place->back) {
    const auto healthy = back_to_work_();
    if (!healthy && !mutated("lock-released-unhealthy"))
      return tell(*place,
                  "the place is kept until this machine is healthy: " + healthy.error().what);
  }
  if (ending.fate == Fate::failed && place->taken && !mutated("lock-released-after-failure")) {
    if (!place->back) place->told.clear();
    place->back = true;
    return tell(*place, "the place is kept, for the update failed (" + ending.why +
                            "); `cube-update fleet unlock " + place->id + "` lets the next one go");
  }
  CUBE_CHECK(give_back());
  return std::string();
}

Status LockTurn::give_back() {
  const auto place = remembered();
  const bool known = place && *place;
  CUBE_TRY(auto lock, FleetLock::open(known ? of_place(config_, **place) : config_));
  CUBE_CHECK(lock.steady_state());
  CUBE_CHECK(root_.remove_file(file));
  return root_.exists(folder) ? sync_folder(root_, folder) : ok();
}

}  // namespace cube::fleet
