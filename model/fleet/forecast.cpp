#include "model/fleet/forecast.h"

#include "model/fleet/forecast_cluster.h"

namespace cube::fleet {
namespace {

// What "local" means is the cluster's to say.
Result<std::map<std::string, PlanWindows>> windows_by_zone(const Plan& plan,
                                                           const Inventory& inventory) {
  std::map<std::string, PlanWindows> found;
  for (const auto& cluster : inventory) {
    if (found.count(cluster.time_zone) != 0) continue;
    auto zone = TimeZone::find(cluster.time_zone);
    if (!zone) return std::move(zone).error().in("cluster " + cluster.id);
    CUBE_TRY(auto windows, PlanWindows::of(plan, *zone));
    found.emplace(cluster.time_zone, std::move(windows));
  }
  return found;
}

}  // namespace

Result<Forecast> forecast(const Plan& plan, const Inventory& inventory,
                          const ForecastSetup& setup) {
  CUBE_TRY(const auto windows, windows_by_zone(plan, inventory));
  Forecast forecast;
  for (std::size_t place = 0; place < inventory.size(); ++place) {
    const auto& cluster = inventory[place];
    ClusterForecast(plan, windows.at(cluster.time_zone), setup, cluster, place, forecast).run();
  }
  return forecast;
}

}  // namespace cube::fleet
