// fleet_simulation: runs a SimulatedFleet on real etcd, or on a store in memory, of which it writes
// what it saw.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "agent/fleet/etcd_store.h"
#include "base/json.h"
#include "tests/fleet/simulated_fleet.h"
#include "tests/support/memory_key_value_store.h"

namespace cube::fleet {
namespace {

// The threads share one store.
class Shared final : public KeyValueStore {
 public:
  explicit Shared(MemoryKeyValueStore& store) : store_(store) {}
  Result<Reading> read(const std::string& prefix) override { return store_.read(prefix); }
  Result<Committed> commit(const Transaction& one) override { return store_.commit(one); }

 private:
  MemoryKeyValueStore& store_;
};

void write_history(const MemoryKeyValueStore& store, const std::string& file) {
  std::ofstream out(file);
  for (const auto& event : store.history()) {
    const bool erased = event.change.kind == Change::Kind::erase;
    out << Json(Json::Object{{"revision", event.revision},
                             {"key", event.change.key},
                             {"erased", erased},
                             {"value", event.change.value}})
               .line()
        << "\n";
  }
}

int usage() {
  std::cerr << "usage: fleet_simulation [--clusters N] [--nodes N] [--seed N] [--threads N] "
               "[--max N] [--operators SECONDS] [--pause-us N] [--window N] (--history FILE | "
               "--etcd URL)\n";
  return 2;
}

int simulate(int argc, char** argv) {
  FleetSetup setup;
  setup.limits.max_unavailable = 2;
  setup.limits.fail_count = 2;
  std::string history, etcd;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string name = argv[i], value = argv[i + 1];
    if (name == "--clusters")
      setup.clusters = std::stoi(value);
    else if (name == "--nodes")
      setup.nodes = std::stoi(value);
    else if (name == "--seed")
      setup.seed = std::stoull(value);
    else if (name == "--threads")
      setup.threads = std::stoi(value);
    else if (name == "--max")
      setup.limits.max_unavailable = static_cast<std::uint32_t>(std::stoul(value));
    else if (name == "--etcd")
      etcd = value;
    else if (name == "--operators")
      setup.operators = std::stoi(value);
    else if (name == "--window")
      setup.window = std::stoi(value);
    else if (name == "--pause-us")
      setup.pause_us = std::stoi(value);
    else if (name == "--history")
      history = value;
    else
      return usage();
  }
  if (argc % 2 == 0 || history.empty() == etcd.empty()) return usage();
  const auto begin = std::chrono::steady_clock::now();
  MemoryKeyValueStore store;
  const auto make_store = [&]() -> std::unique_ptr<KeyValueStore> {
    if (etcd.empty()) return std::make_unique<Shared>(store);
    EtcdConfig config;
    config.endpoints = {etcd};
    config.allow_http = true;
    return std::make_unique<EtcdStore>(EtcdStore::open(std::move(config)).value());
  };
  const auto result = SimulatedFleet(setup, make_store).run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  if (etcd.empty()) write_history(store, history);
  Json::Object nodes;
  for (const auto& [how, count] : result.nodes) nodes[how] = count;
  Json::Object whiles;
  for (const auto& [state, count] : result.requests_while) whiles[state] = count;
  Json::Object acts;
  for (const auto& [act, count] : result.acts) acts[act] = count;
  std::cout << Json(Json::Object{{"nodes", nodes},
                                 {"acts", acts},
                                 {"requests_while", whiles},
                                 {"requests", result.requests},
                                 {"takings", result.takings},
                                 {"restarts", result.restarts},
                                 {"kills", result.kills},
                                 {"lost_answers", result.lost_answers},
                                 {"virtual_hours", result.last / 3600},
                                 {"milliseconds", static_cast<std::int64_t>(took.count() * 1000)},
                                 {"seed", setup.seed}})
                   .line()
            << "\n";
  return 0;
}

}  // namespace
}  // namespace cube::fleet

int main(int argc, char** argv) {
  return cube::fleet::simulate(argc, argv);
}
