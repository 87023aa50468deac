// A cluster in memory for tests of fleet::Participant, with everything that can be lost on the way.
#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>

#include "agent/fleet/operator_acts.h"
#include "agent/fleet/participant.h"
#include "tests/support/memory_key_value_store.h"

namespace cube::fleet {

using Fault = MemoryKeyValueStore::Fault;

class SetClock final : public Clock {
 public:
  [[nodiscard]] UnixSeconds now() const override { return 1'790'000'000 + uptime_; }
  [[nodiscard]] Seconds uptime() const override { return uptime_; }
  void pass(Seconds time) { uptime_ += time; }

 private:
  Seconds uptime_ = 100;
};

class KeptMemory final : public FleetMemoryStore {
 public:
  [[nodiscard]] Result<FleetMemory> load() const override { return memory; }
  Status save(const FleetMemory& given) override {
    // What is read back is what is believed later.
    const auto read = parse_memory(render(given));
    EXPECT_TRUE(read) << render(given);
    EXPECT_EQ(*read, given);
    memory = given;
    return ok();
  }
  FleetMemory memory;
};

class FleetParticipant : public ::testing::Test {
 protected:
  struct Node {
    Member member;
    std::unique_ptr<KeptMemory> memory = std::make_unique<KeptMemory>();
    Status healthy = ok();
    Result<bool> leads = false;
    std::string boot = "boot-1";
  };

  Node& node(const std::string& name, const std::string& domain = "rack1") {
    auto& one = nodes_[name];
    one.member.cluster = "c1";
    one.member.node = name;
    one.member.domain = domain;
    return one;
  }
  Participant part(Node& one) {
    return {{store_, *one.memory, clock_, [this] { return ++random_; },
             [&one] { return one.healthy; }, [&one] { return one.leads; }},
            one.member,
            one.boot};
  }
  Turn turn(std::uint64_t attempt = 1) {
    return {attempt, "r1", "CUBE_2.0.0_20261101-1200_abc", {3, std::string(64, 'a')}, limits_};
  }
  Result<std::string> ask(Node& one, std::uint64_t attempt = 1) {
    return part(one).ask(turn(attempt));
  }
  Result<std::string> settle(Node& one, Fate fate) {
    return part(one).settle({fate, "panic: not syncing", "mount-failed"}, limits_);
  }
  [[nodiscard]] bool has(const std::string& below) const {
    return store_.entries().count("/cube-update/v1/c1/" + below) != 0;
  }
  OperatorActs acts() {
    return {store_, clock_, "c1", "anna", [this] { return ++random_; }};
  }

  // As the agent does, whatever becomes of its update; the time for it has come.
  void look_again(Node& one) {
    clock_.pass(limits_.hold_deadline / 2);
    EXPECT_TRUE(part(one).observe(limits_));
  }

  // Operators have time: those who were stopped ask again by then.
  void wait() { clock_.pass(900); }

  MemoryKeyValueStore store_;
  SetClock clock_;
  Limits limits_;
  std::map<std::string, Node> nodes_;
  std::uint64_t random_ = 7;
};

}  // namespace cube::fleet
