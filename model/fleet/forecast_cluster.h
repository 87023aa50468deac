// ClusterForecast: one cluster's part of a forecast (forecast.h). Clusters share nothing but the
// plan, so each is played from begin to end by itself.
#pragma once

#include <functional>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "model/fleet/eligibility.h"
#include "model/fleet/forecast.h"
#include "model/fleet/gate.h"

namespace cube::fleet {

class ClusterForecast {
 public:
  // The references outlive it; `forecast` is added to.
  ClusterForecast(const Plan& plan, const PlanWindows& windows, const ForecastSetup& setup,
                  const InventoryCluster& cluster, std::size_t place, Forecast& forecast);
  void run();

 private:
  enum class Stage {
    idle,    // waits for the plan to let it begin
    staged,  // is installed, or being so, and waits for its restart
    away,    // holds a place
  };
  struct Machine {
    const InventoryNode* node = nullptr;
    NodeFacts facts;
    Stage stage = Stage::idle;
    bool in_line = false;
    std::size_t passage = 0;                 // unless idle, its place in the forecast
    bool canary = false;                     // in that rollout
    std::optional<GateVerdict> turned_away;  // by the gate, for good
  };
  struct Event {
    UnixSeconds at = 0;
    std::size_t machine = 0;  // the number of machines: the line moves
    bool operator>(const Event& other) const {
      return std::tie(at, machine) > std::tie(other.at, other.machine);
    }
  };

  [[nodiscard]] const Judgement& judged(const Machine& machine, UnixSeconds at);
  [[nodiscard]] Passage& passage_of(const Machine& machine) const {
    return forecast_.passages[machine.passage];
  }
  [[nodiscard]] Candidate candidate_of(const Machine& machine);
  [[nodiscard]] bool fails(const Machine& machine, const Rollout& rollout) const;
  void wake(std::size_t place, UnixSeconds at);
  void wake_later(std::size_t place, const Judgement& judgement, UnixSeconds at);
  void step(std::size_t place, UnixSeconds at);
  void begin(std::size_t place, UnixSeconds at);
  // What the gate refuses the machine for; "": it left, or does not ask now.
  std::string ask(std::size_t place, UnixSeconds at);
  void leave(std::size_t place, UnixSeconds at);
  void come_back(std::size_t place, UnixSeconds at);
  void note_failure(Machine& machine, const Rollout& rollout, UnixSeconds at);
  void halt_if_needed(const Machine& machine, UnixSeconds at);
  void move_line(UnixSeconds at);
  // The word of the reason, and the rest of it.
  [[nodiscard]] std::pair<std::string, LeftBehind> why_left(const Machine& machine,
                                                            std::size_t rollout,
                                                            const Judgement& judgement) const;
  void count_left(const Machine& machine, std::set<std::pair<std::size_t, std::string>>& seen);

  const Plan& plan_;
  const PlanWindows& windows_;
  const ForecastSetup& setup_;
  const InventoryCluster& cluster_;
  const std::size_t place_;
  Forecast& forecast_;
  std::vector<Machine> machines_;
  std::vector<std::size_t> line_;  // who waits for a place, the first in front
  GateFacts gate_;
  std::vector<std::uint64_t> succeeded_;  // by rollout
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  Judgement judgement_;  // the last one, as most machines of a cluster are alike
  NodeFacts judged_of_;
  std::optional<UnixSeconds> judged_at_;
};

}  // namespace cube::fleet
