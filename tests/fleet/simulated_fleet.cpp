#include "tests/fleet/simulated_fleet.h"

#include <thread>

#include "agent/fleet/ending.h"

namespace cube::fleet {
namespace {

constexpr Seconds timer = 300;  // the agent's
constexpr Seconds quiet = 6 * 3600;
constexpr const char* rollout = "r1";
constexpr const char* release = "CUBE_2.0.0_20261101-1200_abc";

struct Killed {};  // the agent, between two of its steps

class VirtualClock final : public Clock {
 public:
  explicit VirtualClock(Seconds at) : at_(at) {}
  [[nodiscard]] UnixSeconds now() const override { return 1'790'000'000 + at_; }
  [[nodiscard]] Seconds uptime() const override { return at_; }

 private:
  Seconds at_;
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
  Seconds ready = 0;    // installed
  Seconds next = 0;     // what it does ends then
  Seconds healthy = 0;  // the cluster is, after it
  Seconds ended = 0;
  int boots = 1;
  std::mt19937_64 random;
  std::mutex mutex;
};

// One thread's view: loses requests and answers, counts, kills.
struct SimulatedFleet::Worker final : KeyValueStore {
  Worker(SimulatedFleet& fleet, std::unique_ptr<KeyValueStore> store)
      : fleet_(fleet), store_(std::move(store)) {}

  Result<Reading> read(const std::string& prefix) override {
    ++fleet_.requests_;
    if (loses()) return Error{Errc::unreachable, "lost"};
    auto reading = store_->read(prefix);
    wait_if_away(reading);
    // Time for others between what was read and what is done about it.
    std::this_thread::sleep_for(std::chrono::microseconds(fleet_.setup_.pause_us));
    return reading;
  }
  Result<Committed> commit(const Transaction& transaction) override {
    ++fleet_.requests_;
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

  Node* node = nullptr;

 private:
  SimulatedFleet& fleet_;
  std::unique_ptr<KeyValueStore> store_;
};

SimulatedFleet::SimulatedFleet(FleetSetup setup, MakeStore make_store)
    : setup_(setup), make_store_(std::move(make_store)) {
  std::mt19937_64 random(setup.seed);
  for (int cluster = 0; cluster < setup.clusters; ++cluster)
    for (int number = 0; number < setup.nodes; ++number) {
      auto node = std::make_unique<Node>();
      node->random.seed(random());
      node->member.cluster = "c" + std::to_string(cluster);
      node->member.node = "n" + std::to_string(number);
      node->member.domain = "rack" + std::to_string(number % setup.racks);
      if (number < 3) node->member.roles = {"etcd", "ceph-mon"};
      const double luck = share(random);
      node->dies = luck < setup.dead;
      if (luck >= setup.dead && luck < setup.dead + setup.bad) node->outcome = Outcome::rolled_back;
      node->ready = between(random, 0, 7200);
      Update update;
      update.attempt = 1;
      node->journal.phase = Staged{update};
      events_.push({node->ready, nodes_.size()});
      nodes_.push_back(std::move(node));
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
  const VirtualClock clock(at);
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
    if (!waits || !waits->empty()) return later;
  }
  if (node.state == Node::State::back) {
    node.state = Node::State::over;
    node.ended = at;
  }
  if (node.state == Node::State::over) {
    // From here on it only watches the others.
    static_cast<void>(participant.observe(setup_.limits));
    return at + setup_.limits.hold_deadline / 2 + between(node.random, 0, timer);
  }
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

void SimulatedFleet::work(Worker& worker, const Event& event) {
  Node& node = *nodes_[event.node];
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
  if (next != 0) events_.push({next, event.node});
}

FleetResult SimulatedFleet::run() {
  std::vector<std::unique_ptr<Worker>> workers;
  for (int i = 0; i < setup_.threads; ++i)
    workers.push_back(std::make_unique<Worker>(*this, make_store_()));
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
  for (const auto& node : nodes_) {
    const bool over = node->state == Node::State::over;
    const std::string how = node->state == Node::State::away && node->dies ? "dead"
                            : !over                                        ? "untouched"
                            : node->outcome == Outcome::committed          ? "committed"
                                                                           : "failed";
    ++result.nodes[how];
    result.last = std::max(result.last, node->ended);
  }
  result.requests = requests_;
  result.takings = takings_;
  result.restarts = restarts_;
  result.kills = kills_;
  result.lost_answers = lost_;
  return result;
}

}  // namespace cube::fleet
