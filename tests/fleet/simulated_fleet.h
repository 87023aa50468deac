// A fleet of simulated machines that take part in rollouts by the product's own code: Participant,
// decide_gate, ending_of. Simulated are time, installation, drain, restart and health; the store is
// whatever KeyValueStore is given, real etcd included. Machines run in several threads at once.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <queue>
#include <random>
#include <string>
#include <vector>

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
  std::uint64_t takings = 0;   // places seen as taken
  std::uint64_t restarts = 0;  // machines that left, each with a place it had seen
  std::uint64_t kills = 0;
  std::uint64_t lost_answers = 0;
  Seconds last = 0;  // virtual, of the last update that ended
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
  struct Event {
    Seconds at = 0;
    std::size_t node = 0;
    bool operator>(const Event& other) const {
      return std::tie(at, node) > std::tie(other.at, other.node);
    }
  };
  void work(Worker& worker, const Event& event);
  // When this machine's agent runs next; 0: never again.
  Seconds turn(Worker& worker, Node& node, Seconds at);
  Seconds leave(Worker& worker, Node& node, Seconds at);
  void come_back(Node& node, Seconds at);

  FleetSetup setup_;
  MakeStore make_store_;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::mutex mutex_;
  std::atomic<std::uint64_t> requests_ = 0, takings_ = 0, restarts_ = 0, kills_ = 0, lost_ = 0;
};

}  // namespace cube::fleet
