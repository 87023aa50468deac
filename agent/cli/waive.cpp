// cube-update waive: what root lets through although it speaks against a release.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "agent/cli/exit_code.h"
#include "agent/cli/rules.h"
#include "agent/foresight/waiver_file.h"
#include "agent/lock.h"
#include "base/log.h"

namespace cube::cli {
namespace {

using insight::Waiver;
using insight::Waivers;

Json waivers_json(const Waivers& waivers, UnixSeconds now) {
  Json::Array list;
  for (const auto& one : waivers)
    list.push_back(Json(Json::Object{{"id", one.id},
                                     {"by", std::string(to_string(one.by))},
                                     {"reason", one.reason},
                                     {"given", format_utc(one.given)},
                                     {"until", format_utc(one.until)},
                                     {"in_force", is_in_force(one, now)}}));
  return Json(Json::Object{{"event", "result"}, {"waivers", Json(std::move(list))}});
}

void print(const Waivers& waivers, UnixSeconds now) {
  for (const auto& one : waivers)
    fmt::print("{}  {}{}\n", one.id, sentence_of(one),
               is_in_force(one, now) ? "" : "  (counts no more)");
  if (waivers.empty()) fmt::print("nothing is waived on this machine\n");
}

Result<int> tell(const Common& common, const Waivers& waivers, UnixSeconds now) {
  if (common.json)
    fmt::print("{}\n", waivers_json(waivers, now).line());
  else
    print(waivers, now);
  return exit_done;
}

// In place of an earlier one with that id. Those that have ended go when there is no room.
Status give(Waivers& waivers, Waiver waiver, UnixSeconds now) {
  CUBE_CHECK(check_waiver(waiver));
  if (!is_in_force(waiver, now))
    return Error{Errc::invalid, "waiver of " + waiver.id + ": ends in the past"};
  std::erase_if(waivers, [&](const Waiver& one) { return one.id == waiver.id; });
  if (waivers.size() >= insight::max_waivers)
    std::erase_if(waivers, [&](const Waiver& one) { return now >= one.until; });
  if (waivers.size() >= insight::max_waivers)
    return Error{Errc::refused, "64 waivers are in force; take one back with --remove first"};
  waivers.push_back(std::move(waiver));
  return ok();
}

}  // namespace

Result<int> waive(const Common& common, const WaiveCommand& command) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  const RootDir& root = appliance->root();
  const auto now = appliance->clock().now();
  const bool changes = !command.id.empty() || !command.remove.empty();
  if (!changes) {
    CUBE_TRY(const auto waivers, root_waivers(root));
    return tell(common, waivers, now);
  }
  CUBE_CHECK(demand_root(*appliance, "waive"));
  CUBE_TRY(const auto lock, take_lock(root));
  CUBE_TRY(auto waivers, root_waivers(root));
  const std::string user = "user " + std::to_string(::getuid());
  if (!command.id.empty()) {
    CUBE_TRY(const auto until, insight::waived_until(command.until));
    CUBE_CHECK(
        give(waivers, {command.id, command.reason, insight::WaivedBy::root, now, until}, now));
    log(Level::warning, user + " waives " + command.id + ": " + command.reason);
  } else {
    const auto gone =
        std::erase_if(waivers, [&](const Waiver& one) { return one.id == command.remove; });
    if (gone == 0)
      return Error{Errc::nothing_to_do, "waiver of " + command.remove + ": there is none"};
    log(Level::warning, user + " takes the waiver of " + command.remove + " back");
  }
  CUBE_CHECK(save_root_waivers(root, waivers));
  return tell(common, waivers, now);
}

}  // namespace cube::cli
