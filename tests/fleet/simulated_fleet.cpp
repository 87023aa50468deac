#include "tests/fleet/simulated_fleet.h"

#include <thread>

#include "agent/fleet/cluster_view.h"
#include "agent/fleet/ending.h"
#include "agent/fleet/operator_acts.h"

namespace cube::fleet {
namespace {

constexpr Seconds timer = 300;  // the agent's
constexpr Seconds quiet = 3 * 3600;
constexpr const char* rollout = "r1";
constexpr const char* release = "CUBE_2.0.0_20261101-1200_abc";
constexpr const char* old_release = "CUBE_1.0.0_20260101-1200_abc";
constexpr Seconds year = 365 * 86400;

struct Killed {};  // the agent, between two of its steps

class VirtualClock final : public Clock {
 public:
  VirtualClock(Seconds at, Seconds jump) : at_(at), jump_(jump) {}
  [[nodiscard]] UnixSeconds now() const override { return 1'790'000'000 + at_ + jump_; }
  [[nodiscard]] Seconds uptime() const override { return at_; }

 private:
  Seconds at_;
  Seconds jump_;
};

// Survives the agent's death; which may come before or after anything is written.
class MemoryThatIsKept final : public FleetMemoryStore {
 public:
  [[nodiscard]] Result<FleetMemory> load() const override { return parse_memory_or_new(); }
  Status save(const FleetMemory& memory) override {
    if (killed()) throw Killed();
    text_ = render(memory);
    if (killed()) throw Killed();
    return ok();
  }
  std::function<bool()> killed = [] { return false; };

 private:
  [[nodiscard]] Result<FleetMemory> parse_memory_or_new() const {
    return text_.empty() ? FleetMemory{} : parse_memory(text_);
  }
  std::string text_;
};

double share(std::mt19937_64& random) {
  return std::uniform_real_distribution<double>(0, 1)(random);
}

Seconds between(std::mt19937_64& random, Seconds least, Seconds most) {
  return std::uniform_int_distribution<Seconds>(least, most)(random);
}

}  // namespace

struct SimulatedFleet::Node {
  enum class State { waiting, draining, away, back, over };
  Member member;
  MemoryThatIsKept memory;
  Journal journal;
  State state = State::waiting;
  Outcome outcome = Outcome::committed;
  bool dies = false;
  bool is_twin = false;  // of another of this name
  Seconds ready = 0;     // installed
  Seconds next = 0;      // what it does ends then
  Seconds healthy = 0;   // the cluster is, after it
  Seconds ended = 0;
  int boots = 1;
  std::mt19937_64 random;
  std::mutex mutex;
};

// Its operator has no plan.
struct SimulatedFleet::Cluster {
  std::string name;
  std::mt19937_64 random;
};

// One thread's view: loses requests and answers, counts, kills.
struct SimulatedFleet::Worker final : KeyValueStore {
  Worker(SimulatedFleet& fleet, std::unique_ptr<KeyValueStore> store)
      : fleet_(fleet), store_(std::move(store)) {}

  Result<Reading> read(const std::string& prefix) override {
    count();
    if (loses()) return Error{Errc::unreachable, "lost"};
    auto reading = store_->read(prefix);
    wait_if_away(reading);
    // Time for others between what was read and what is done about it.
    std::this_thread::sleep_for(std::chrono::microseconds(fleet_.setup_.pause_us));
    return reading;
  }
  Result<Committed> commit(const Transaction& transaction) override {
    count();
    if (loses()) return Error{Errc::unreachable, "lost"};
    auto done = store_->commit(transaction);
    wait_if_away(done);
    if (loses()) {
      ++fleet_.lost_;
      return Error{Errc::unreachable, "its answer was lost"};
    }
    return done;
  }
  // Virtual time must not run away while a real store starts again.
  template <typename T>
  static void wait_if_away(const Result<T>& answer) {
    if (!answer) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  [[nodiscard]] bool loses() { return share(node->random) < fleet_.setup_.lost; }

  [[nodiscard]] KeyValueStore& store() { return *store_; }

  Node* node = nullptr;

 private:
  void count() {
    ++fleet_.requests_;
    ++fleet_.requests_while_[static_cast<std::size_t>(node->state)];
  }

  SimulatedFleet& fleet_;
  std::unique_ptr<KeyValueStore> store_;
};

SimulatedFleet::SimulatedFleet(FleetSetup setup, MakeStore make_store)
    : setup_(setup), make_store_(std::move(make_store)) {
  std::mt19937_64 random(setup.seed);
  for (int cluster = 0; cluster < setup.clusters; ++cluster) {
    for (int number = 0; number < setup.nodes; ++number) {
      auto node = std::make_unique<Node>();
      node->random.seed(random());
      node->member.cluster = "c" + std::to_string(cluster);
      node->member.node = "n" + std::to_string(number);
      node->member.domain = "rack" + std::to_string(number % setup.racks);
      if (number < 3) node->member.roles = {"etcd", "ceph-mon"};
      if (number == 3 && cluster % 2 == 0) node->member.order = canary_order;
      const double luck = share(random);
      node->dies = luck < setup.dead;
      if (luck >= setup.dead && luck < setup.dead + setup.bad) node->outcome = Outcome::rolled_back;
      node->ready = between(random, 0, 7200);
      Update update;
      update.attempt = 1;
      node->journal.phase = Staged{update};
      if (share(random) < setup.twins) nodes_.push_back(twin_of(*node, random()));
      nodes_.push_back(std::move(node));
    }
    clusters_.push_back(std::make_unique<Cluster>());
    clusters_.back()->name = "c" + std::to_string(cluster);
    clusters_.back()->random.seed(random());
  }
  for (std::size_t i = 0; i < nodes_.size(); ++i) events_.push({nodes_[i]->ready, i});
  for (std::size_t i = 0; setup.operators > 0 && i < clusters_.size(); ++i)
    events_.push({setup.operators, nodes_.size() + i});
}

std::unique_ptr<SimulatedFleet::Node> SimulatedFleet::twin_of(const Node& node,
                                                              std::uint64_t seed) {
  auto twin = std::make_unique<Node>();
  twin->member = node.member;
  twin->journal = node.journal;
  twin->ready = node.ready + timer / 2;
  twin->is_twin = true;
  twin->random.seed(seed);
  return twin;
}

// What machines showed of themselves long before.
void SimulatedFleet::introduce(KeyValueStore& store) {
  for (const auto& node : nodes_) {
    const NodeRecord record{node->member.node,  {old_release, "idle", "", ""}, node->member.domain,
                            node->member.roles, node->member.hardware,         node->member.order,
                            1'790'000'000};
    const auto key = "/cube-update/v1/" + node->member.cluster + "/node/" + node->member.node;
    while (!store.commit({{}, {{Change::Kind::put, key, render(record)}}, ""}))
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

SimulatedFleet::~SimulatedFleet() = default;

// The restart into the trial: only with a place that was seen, and looked at once more.
Seconds SimulatedFleet::leave(Worker&, Node& node, Seconds at) {
  ++restarts_;
  node.state = Node::State::away;
  node.journal.phase = Armed{std::get<Staged>(node.journal.phase).update, "boot"};
  if (node.dies) {
    node.ended = at;
    return 0;
  }
  const bool fails = node.outcome == Outcome::rolled_back;
  return at + between(node.random, 300, 900) + (fails ? between(node.random, 60, 600) : 0);
}

void SimulatedFleet::come_back(Node& node, Seconds at) {
  Attempt attempt;
  attempt.number = 1;
  attempt.outcome = node.outcome;
  if (node.outcome == Outcome::rolled_back) attempt.why = {Cause::panic, "not syncing"};
  node.journal.phase = Idle{};
  node.journal.history = {attempt};
  node.state = Node::State::back;
  ++node.boots;
  node.healthy = at + between(node.random, 60, 1200);
}

Seconds SimulatedFleet::turn(Worker& worker, Node& node, Seconds at) {
  const bool jumps = share(node.random) < setup_.jumps;
  const VirtualClock clock(at, jumps ? between(node.random, -year, year) : 0);
  Participant participant({worker, node.memory, clock, [&node] { return node.random(); },
                           [&]() -> Status {
                             if (at >= node.healthy) return ok();
                             return Error{Errc::refused, "placement groups are degraded"};
                           }},
                          node.member, "boot-" + std::to_string(node.boots));
  const Turn wanted{1, rollout, release, {1, std::string(64, 'a')}, setup_.limits};
  const auto place = participant.place();
  const Seconds later = at + timer + between(node.random, 0, 60);
  if (place && *place && node.state != Node::State::draining) {
    const auto waits = participant.settle(ending_of(node.journal, 1), setup_.limits);
    static_cast<void>(participant.observe(setup_.limits));
    if (!waits || !waits->empty()) return later;
  }
  if (node.state == Node::State::back) {
    node.state = Node::State::over;
    node.ended = at;
  }
  if (node.state == Node::State::over) {
    static_cast<void>(participant.show(status_of(node)));
    // From here on it only watches the others.
    static_cast<void>(participant.observe(setup_.limits));
    return at + setup_.limits.hold_deadline / 2 + between(node.random, 0, 3600);
  }
  static_cast<void>(participant.show(status_of(node)));
  const auto asked = participant.ask(wanted);
  if (!asked || !asked->empty()) {
    node.state = Node::State::waiting;
    return later;
  }
  if (node.state == Node::State::draining) return leave(worker, node, at);
  ++takings_;
  node.state = Node::State::draining;
  return at + between(node.random, 30, 300);
}

NodeStatus SimulatedFleet::status_of(const Node& node) {
  const auto* update = update_of(node.journal.phase);
  const bool has_it = node.journal.history.empty() ? false : node.outcome == Outcome::committed;
  return {has_it ? release : old_release, std::string(name_of(node.journal.phase)),
          update != nullptr ? release : "", ""};
}

// Whatever comes to an operator's mind; what is stopped is let go the next time.
std::string SimulatedFleet::act(OperatorActs& acts, const ClusterView& view,
                                std::mt19937_64& random) {
  if (view.gate.pause || (view.gate.halt && share(random) < 0.3)) {
    const bool accepts = share(random) < 0.5;
    return acts.resume("enough", accepts) ? accepts ? "resume, accepted" : "resume" : "";
  }
  if (!view.gate.blocked.empty()) return acts.unblock(release, "mended") ? "unblock" : "";
  const double luck = share(random);
  if (luck < 0.3) return acts.pause("lunch") ? "pause" : "";
  if (luck < 0.4) return acts.halt("looks bad") ? "halt" : "";
  if (luck < 0.5) return acts.block(release, "a rumour") ? "block" : "";
  if (luck < 0.7 && !view.gate.holders.empty())
    return acts.unlock(view.gate.holders.front().node, "does not answer") ? "unlock" : "";
  return "";
}

Seconds SimulatedFleet::operate(Worker& worker, Cluster& cluster, Seconds at) {
  const VirtualClock clock(at, 0);
  auto& store = worker.store();
  OperatorActs acts(store, clock, cluster.name, "operator", [&] { return cluster.random(); });
  const auto view = look_at(store, cluster.name);
  const auto done = view ? act(acts, *view, cluster.random) : "";
  if (!done.empty()) {
    const std::lock_guard lock(mutex_);
    ++acts_[done];
  }
  const bool leaves = at > setup_.operators_until && view && !view->gate.pause &&
                      view->gate.blocked.empty() && done.empty();
  return leaves ? 0 : at + between(cluster.random, 0, 2 * setup_.operators);
}

void SimulatedFleet::work(Worker& worker, const Event& event) {
  if (event.actor >= nodes_.size()) {
    const auto next = operate(worker, *clusters_[event.actor - nodes_.size()], event.at);
    const std::lock_guard queue_lock(mutex_);
    if (next != 0) events_.push({next, event.actor});
    return;
  }
  Node& node = *nodes_[event.actor];
  const std::lock_guard lock(node.mutex);
  worker.node = &node;
  node.memory.killed = [&] { return share(node.random) < setup_.killed / 4; };
  Seconds next = 0;
  try {
    if (node.state == Node::State::away) come_back(node, event.at);
    next = turn(worker, node, event.at);
  } catch (const Killed&) {
    ++kills_;
    // What it was about to do when it died is forgotten; what it wrote is not.
    if (node.state == Node::State::draining) node.state = Node::State::waiting;
    next = event.at + timer;
  }
  const std::lock_guard queue_lock(mutex_);
  if (next != 0) events_.push({next, event.actor});
}

// Of each name once: one of the machines that have it was updated, or the first of them was not.
std::map<std::string, int> SimulatedFleet::endings() const {
  std::map<std::string, int> counts;
  std::set<std::pair<std::string, std::string>> committed;
  for (const auto& node : nodes_)
    if (node->state == Node::State::over && node->outcome == Outcome::committed)
      committed.insert({node->member.cluster, node->member.node});
  counts["committed"] = static_cast<int>(committed.size());
  for (const auto& node : nodes_) {
    if (node->is_twin || committed.count({node->member.cluster, node->member.node}) != 0) continue;
    const bool dead = node->state == Node::State::away && node->dies;
    ++counts[dead ? "dead" : node->state == Node::State::over ? "failed" : "untouched"];
  }
  return counts;
}

FleetResult SimulatedFleet::run() {
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < setup_.threads; ++i)
    workers.push_back(std::make_unique<Worker>(*this, make_store_()));
  introduce(workers.front()->store());
  // Whoever still waits after such a time waits for an operator.
  const auto stands_still = [this](Seconds at) {
    Seconds last = 0;
    for (const auto& node : nodes_) last = std::max(last, node->ended);
    return at > last + quiet;
  };
  Seconds next_count = quiet;
  while (!events_.empty() && events_.top().at < setup_.hours * 3600) {
    const Seconds until = events_.top().at + setup_.window;
    std::vector<Event> batch;
    while (!events_.empty() && events_.top().at < until) {
      batch.push_back(events_.top());
      events_.pop();
    }
    std::atomic<std::size_t> taken = 0;
    std::vector<std::thread> threads;
    const auto count = std::min<std::size_t>(workers.size(), batch.size());
    for (std::size_t i = 0; i < count; ++i)
      threads.emplace_back([&, i] {
        for (std::size_t one; (one = taken++) < batch.size();) work(*workers[i], batch[one]);
      });
    for (auto& thread : threads) thread.join();
    if (until > next_count) {
      next_count += 3600;
      if (stands_still(until)) break;
    }
  }
  FleetResult result;
  result.nodes = endings();
  for (const auto& node : nodes_) result.last = std::max(result.last, node->ended);
  static constexpr const char* whiles[] = {"waiting", "draining", "away", "back", "over"};
  for (std::size_t i = 0; i < std::size(whiles); ++i)
    result.requests_while[whiles[i]] = requests_while_[i];
  result.requests = requests_;
  result.takings = takings_;
  result.restarts = restarts_;
  result.kills = kills_;
  result.lost_answers = lost_;
  result.acts = acts_;
  return result;
}

}  // namespace cube::fleet
