// cube-release plan check, plan set.
#include <fmt/format.h>

#include <filesystem>

#include "base/json.h"
#include "base/root_dir.h"
#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/delegates.h"
#include "release/plan_check.h"

namespace cube::publish_cli {
namespace {

Result<std::string> read_file(const std::string& path) {
  const std::filesystem::path file = path;
  CUBE_TRY(const auto folder, RootDir::open(file.has_parent_path() ? file.parent_path() : "."));
  auto text = folder.read_file(file.filename(), fleet::max_plan_bytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::invalid, "plan " + path + ": there is no such file"};
  return text;
}

Json json_of(const fleet::Rollout& rollout) {
  Json::Array ramp;
  for (const auto& point : rollout.ramp.points)
    ramp.push_back(Json::Object{{"from", format_utc(rollout.ramp.start + point.after)},
                                {"ppm", std::uint64_t{point.ppm}}});
  return Json::Object{{"id", rollout.id}, {"release", rollout.release}, {"ramp", ramp}};
}

int tell(const Common& common, const CheckedPlan& checked) {
  const auto& plan = checked.plan;
  if (common.json) {
    Json::Array rollouts, warnings;
    for (const auto& rollout : plan.rollouts) rollouts.push_back(json_of(rollout));
    for (const auto& warning : checked.warnings) warnings.push_back(warning);
    fmt::print("{}\n", Json(Json::Object{{"serial", checked.serial},
                                         {"expires", format_utc(plan.expires)},
                                         {"halted", plan.halt.has_value()},
                                         {"rollouts", rollouts},
                                         {"warnings", warnings}})
                           .line());
    return exit_done;
  }
  fmt::print("Plan {}, valid until {}{}\n", checked.serial, format_utc(plan.expires),
             plan.halt ? ", HALTED: " + *plan.halt : "");
  for (const auto& rollout : plan.rollouts) {
    fmt::print("  rollout {} of {}\n", rollout.id, rollout.release);
    for (const auto& point : rollout.ramp.points)
      fmt::print("    {:>8.4f} % from {}\n", point.ppm / 1e4,
                 format_utc(rollout.ramp.start + point.after));
  }
  return exit_done;
}

void warn(const CheckedPlan& checked) {
  for (const auto& warning : checked.warnings) fmt::print(stderr, "cube-release: {}\n", warning);
}

}  // namespace

Result<int> plan_check(const Common& common, const PlanCommand& command) {
  CUBE_TRY(const auto text, read_file(command.file));
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto now, wall_clock());
  std::optional<Publisher> publisher;
  if (is_repository(path)) {
    CUBE_TRY(publisher, Publisher::open(path));
  }
  CUBE_TRY(const auto checked,
           check_plan(text, command.site, now, publisher ? &*publisher : nullptr));
  warn(checked);
  return tell(common, checked);
}

Result<int> plan_set(const Common& common, const PlanCommand& command,
                     std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto text, read_file(command.file));
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto checked, check_plan(text, command.site, now, &publisher));
  Publisher::Delegates::Wish wish;
  wish.role = command.site ? fleet::site_role : fleet::plan_role;
  wish.path = command.site ? fleet::site_target : fleet::plan_target;
  wish.text = text;
  wish.new_key = command.new_key;
  CUBE_TRY(auto done, Publisher::Delegates(publisher).publish(wish, now, days));
  done.warnings.insert(done.warnings.end(), checked.warnings.begin(), checked.warnings.end());
  return report(common, done);
}

}  // namespace cube::publish_cli
