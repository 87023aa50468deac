#include "agent/cli/fleet_simulate.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/cli/exit_code.h"
#include "agent/cli/forecast_text.h"
#include "agent/cli/whole_file.h"
#include "model/fleet/duration.h"

namespace cube::cli {
namespace {

constexpr Seconds day = 86400;

Result<std::string> read_named(const std::string& file, std::size_t max_bytes) {
  const std::filesystem::path path = absolute_place(file);
  CUBE_TRY(const auto folder, RootDir::open(path.parent_path()));
  auto text = folder.read_file(path.filename(), max_bytes);
  if (!text) return std::move(text).error().in(file);
  return text;
}

Result<Seconds> duration_of(const std::string& option, const std::string& text) {
  auto duration = fleet::parse_duration(text);
  if (!duration) return std::move(duration).error().in(option);
  return duration;
}

Result<fleet::ForecastSetup> setup_of(const FleetSimulateOptions& options,
                                      const fleet::Plan& plan) {
  fleet::ForecastSetup setup;
  setup.from = plan.issued;
  if (!options.from.empty()) {
    CUBE_TRY(setup.from, parse_utc(options.from));
  }
  setup.until = std::min(setup.from + options.days * day, last_second);
  CUBE_TRY(setup.install_time, duration_of("--install-time", options.install_time));
  CUBE_TRY(setup.away_time, duration_of("--away-time", options.away_time));
  setup.failures = options.failures;
  setup.seed = options.seed;
  return setup;
}

int exit_code_of(fleet::ForecastOutcome outcome) {
  switch (outcome) {
    case fleet::ForecastOutcome::all_done:
      return exit_done;
    case fleet::ForecastOutcome::time_over:
      return exit_waiting;
    case fleet::ForecastOutcome::left_over:
      return exit_refused;
  }
  return exit_failed;
}

}  // namespace

Result<int> fleet_simulate(const Common& common, const FleetSimulateOptions& options) {
  CUBE_TRY(const auto plan_text, read_named(options.plan, fleet::max_plan_bytes));
  CUBE_TRY(const auto plan, fleet::read_plan(plan_text));
  CUBE_TRY(const auto inventory_text, read_named(options.inventory, fleet::max_inventory_bytes));
  CUBE_TRY(const auto inventory, fleet::read_inventory(inventory_text));
  CUBE_TRY(const auto setup, setup_of(options, plan));
  CUBE_TRY(const auto forecast, fleet::forecast(plan, inventory, setup));
  const ForecastView view{plan, inventory, setup, forecast, report(plan, setup, forecast)};
  if (!options.html.empty()) CUBE_CHECK(write_whole("--html", options.html, forecast_page(view)));
  fmt::print("{}", common.json ? forecast_json(view).line() + "\n" : forecast_text(view));
  return exit_code_of(outcome_of(forecast));
}

}  // namespace cube::cli
