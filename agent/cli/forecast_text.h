// A plan's forecast as text for a terminal and as JSON.
#pragma once

#include <string>
#include <vector>

#include "base/json.h"
#include "model/fleet/forecast_report.h"

namespace cube::cli {

struct ForecastView {
  const fleet::Plan& plan;
  const fleet::Inventory& inventory;
  const fleet::ForecastSetup& setup;
  const fleet::Forecast& forecast;
  std::vector<fleet::RolloutForecast> rollouts;
};

[[nodiscard]] std::string forecast_text(const ForecastView& view);
[[nodiscard]] Json forecast_json(const ForecastView& view);
// One page for a browser that needs no other file and no script.
[[nodiscard]] std::string forecast_page(const ForecastView& view);

[[nodiscard]] std::size_t machines_of(const fleet::Inventory& inventory);
// "all 40 machines came through": what it comes to, a sentence.
[[nodiscard]] std::string outcome_text(const ForecastView& view);

}  // namespace cube::cli
