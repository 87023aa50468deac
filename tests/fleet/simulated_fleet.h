// A fleet of simulated machines that take part in rollouts by the product's own code: Participant,
// decide_gate, ending_of. Simulated are time, installation, drain, restart and health; the store is
// whatever KeyValueStore is given, real etcd included. Machines run in several threads at once.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "agent/fleet/cluster_view.h"
#include "agent/fleet/operator_acts.h"
#include "agent/fleet/participant.h"
#include "model/journal.h"

namespace cube::fleet {

struct FleetSetup {
  int clusters = 50;
  int nodes = 20;  // of each
  int racks = 4;
  double bad = 0.02;     // of the machines: the trial fails and is given up
  double dead = 0.003;   // never come back
  double lost = 0.02;    // of the requests: not done, or done and nobody hears of it
  double killed = 0.01;  // of the runs of the agent: it dies in the middle
  double twins = 0.002;  // of the machines: another has the same name, and takes part as well
  double jumps = 0.01;   // of the runs of the agent: its clock of the day is somewhere else by then
  Seconds operators = 3600;  // between what an operator does to a cluster, on average; 0: nothing
  Seconds operators_until = 12 * 3600;
  Limits limits{};
  std::uint64_t seed = 1;
  Seconds hours = 96;  // then it ends, whatever is left
  int threads = 8;
  Seconds window = 30;  // events that are so close run at the same time
  int pause_us = 300;   // real time between reading the gate and deciding
};

struct FleetResult {
  std::map<std::string, int> nodes;  // how they ended: "committed", "failed", "dead", "untouched"
  std::uint64_t requests = 0;
  std::map<std::string, std::uint64_t> requests_while;  // the machine was in that state
  std::uint64_t takings = 0;                            // places seen as taken
  std::uint64_t restarts = 0;  // machines that left, each with a place it had seen
  std::uint64_t kills = 0;
  std::uint64_t lost_answers = 0;
  std::map<std::string, std::uint64_t> acts;  // of operators, that were done
  Seconds last = 0;                           // virtual, of the last update that ended
};

class SimulatedFleet {
 public:
  using MakeStore = std::function<std::unique_ptr<KeyValueStore>()>;  // one for each thread

  SimulatedFleet(FleetSetup setup, MakeStore make_store);
  ~SimulatedFleet();
  FleetResult run();

 private:
  struct Node;
  struct Worker;
  struct Cluster;
  struct Event {
    Seconds at = 0;
    std::size_t actor = 0;  // of nodes_; after those, of clusters_
    bool operator>(const Event& other) const {
      return std::tie(at, actor) > std::tie(other.at, other.actor);
    }
  };
  void work(Worker& worker, const Event& event);
  // When this machine's agent runs next; 0: never again.
  Seconds turn(Worker& worker, Node& node, Seconds at);
  Seconds leave(Worker& worker, Node& node, Seconds at);
  void come_back(Node& node, Seconds at);
  [[nodiscard]] static NodeStatus status_of(const Node& node);
  [[nodiscard]] static std::unique_ptr<Node> twin_of(const Node& node, std::uint64_t seed);
  void introduce(KeyValueStore& store);
  // What was done; "": nothing.
  static std::string act(OperatorActs& acts, const ClusterView& view, std::mt19937_64& random);
  // When this cluster's operator acts next; 0: never again.
  Seconds operate(Worker& worker, Cluster& cluster, Seconds at);
  [[nodiscard]] std::map<std::string, int> endings() const;

  FleetSetup setup_;
  MakeStore make_store_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::unique_ptr<Cluster>> clusters_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::mutex mutex_;
  std::array<std::atomic<std::uint64_t>, 5> requests_while_{};
  std::map<std::string, std::uint64_t> acts_;
  std::atomic<std::uint64_t> requests_ = 0, takings_ = 0, restarts_ = 0, kills_ = 0, lost_ = 0;
};

}  // namespace cube::fleet
