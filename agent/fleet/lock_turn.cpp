#include "agent/fleet/lock_turn.h"

#include <algorithm>
#include <utility>

#include "base/durable_file.h"
#include "base/json.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

constexpr const char* folder = "var/lib/cube-update";
constexpr const char* file = "var/lib/cube-update/fleet-lock.json";
constexpr std::size_t max_bytes = 16 * 1024;
constexpr std::uint64_t format = 1;
constexpr std::size_t max_told = 300;

Result<LockSlot> parse_slot(const std::string& text) {
  CUBE_TRY(const auto json, Json::parse(text));
  CUBE_TRY(const auto version, json.unsigned_at("format"));
  if (version != format) return Error{Errc::corrupt, "written by another version of cube-update"};
  LockSlot slot;
  CUBE_TRY(slot.attempt, json.unsigned_at("attempt"));
  CUBE_TRY(slot.url, json.string_at("url"));
  CUBE_TRY(slot.group, json.string_at("group"));
  CUBE_TRY(slot.id, json.string_at("id"));
  CUBE_TRY(slot.told, json.string_at("told"));
  for (const auto& [name, flag] :
       {std::pair{"taken", &slot.taken}, std::pair{"back", &slot.back}}) {
    CUBE_TRY(const auto value, json.member(name));
    CUBE_TRY(*flag, value.boolean());
  }
  return slot;
}

std::string render(const LockSlot& slot) {
  return Json(Json::Object{{"format", format},
                           {"attempt", slot.attempt},
                           {"url", slot.url},
                           {"group", slot.group},
                           {"id", slot.id},
                           {"told", slot.told},
                           {"taken", slot.taken},
                           {"back", slot.back}})
             .line() +
         "\n";
}

// The lock that a slot is of, asked as the configuration says.
FleetLockConfig of_slot(FleetLockConfig config, const LockSlot& slot) {
  config.url = slot.url;
  config.group = slot.group;
  config.id = slot.id;
  return config;
}

}  // namespace

Result<LockTurn> LockTurn::open(const RootDir& root, FleetLockConfig config,
                                BackToWork back_to_work) {
  CUBE_CHECK(FleetLock::open(config));
  return LockTurn(root, std::move(config), std::move(back_to_work));
}

Result<std::optional<LockSlot>> LockTurn::remembered() const {
  const auto text = root_.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<LockSlot>();
  if (!text) return text.error();
  auto slot = parse_slot(*text);
  if (slot) return std::optional(std::move(*slot));
  return Error{Errc::corrupt,
               root_.join(file) + ": " + slot.error().what +
                   "; remove it, and give the slot back with `cube-update fleet unlock`"};
}

Status LockTurn::remember(const LockSlot& slot) const {
  CUBE_CHECK(root_.make_dirs(folder));
  return replace_file(root_, file, render(slot));
}

Result<std::string> LockTurn::tell(LockSlot slot, std::string what) const {
  what.resize(std::min(what.size(), max_told));
  if (slot.told == what) return what;
  slot.told = what;
  CUBE_CHECK(remember(slot));
  return what;
}

Result<std::string> LockTurn::ask(std::uint64_t attempt) {
  CUBE_TRY(const auto before, remembered());
  LockSlot slot{attempt, config_.url, config_.group, config_.id, "", false, false};
  if (before) slot.taken = before->taken;
  const bool elsewhere =
      before && (before->url != slot.url || before->group != slot.group || before->id != slot.id);
  if (elsewhere) return Error{Errc::failed, "a slot at " + before->url + " is not given back yet"};
  // Before the question: its answer may be lost.
  if (!mutated("lock-asked-before-noted")) CUBE_CHECK(remember(slot));
  CUBE_TRY(auto lock, FleetLock::open(config_));
  const auto taken = lock.pre_reboot();
  if (taken || mutated("lock-not-asked")) {
    slot.taken = true;
    CUBE_CHECK(remember(slot));
    return std::string();
  }
  CUBE_TRY(const auto told, tell(slot, taken.error().what));
  if (taken.error().code == Errc::busy) return told;
  return taken.error();
}

Result<std::optional<std::uint64_t>> LockTurn::attempt() const {
  CUBE_TRY(const auto slot, remembered());
  return slot ? std::optional(slot->attempt) : std::nullopt;
}

Result<std::string> LockTurn::told() const {
  CUBE_TRY(const auto slot, remembered());
  return slot ? slot->told : std::string();
}

Result<std::string> LockTurn::settle(const Ending& ending) {
  CUBE_TRY(auto slot, remembered());
  if (!slot || ending.fate == Fate::under_way) return std::string();
  if (slot->taken && !slot->back) {
    const auto healthy = back_to_work_();
    if (!healthy && !mutated("lock-released-unhealthy"))
      return tell(*slot, "the slot is kept until this machine is healthy: " + healthy.error().what);
  }
  if (ending.fate == Fate::failed && slot->taken && !mutated("lock-released-after-failure")) {
    if (!slot->back) slot->told.clear();
    slot->back = true;
    return tell(*slot, "the slot is kept, for the update failed (" + ending.why +
                           "); `cube-update fleet unlock " + slot->id + "` lets the next one go");
  }
  CUBE_CHECK(give_back());
  return std::string();
}

Status LockTurn::give_back() {
  const auto slot = remembered();
  const bool known = slot && *slot;
  CUBE_TRY(auto lock, FleetLock::open(known ? of_slot(config_, **slot) : config_));
  CUBE_CHECK(lock.steady_state());
  CUBE_CHECK(root_.remove_file(file));
  return root_.exists(folder) ? sync_folder(root_, folder) : ok();
}

}  // namespace cube::fleet
