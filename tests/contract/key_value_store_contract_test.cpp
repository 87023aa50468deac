// What every KeyValueStore does, the one in memory and etcd alike.
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <set>
#include <thread>

#include "agent/fleet/etcd_store.h"
#include "tests/support/etcd_server.h"
#include "tests/support/memory_key_value_store.h"

namespace cube::fleet {
namespace {

const std::string ours = "/cube-update/v1/c/";
const std::string gate = ours + "gate/";

// One store, and further ways to it.
class Situation {
 public:
  virtual ~Situation() = default;
  virtual std::unique_ptr<KeyValueStore> connect() = 0;
};

class InMemory final : public Situation {
  class Way final : public KeyValueStore {
   public:
    explicit Way(KeyValueStore& store) : store_(store) {}
    Result<Reading> read(const std::string& prefix) override { return store_.read(prefix); }
    Result<Committed> commit(const Transaction& transaction) override {
      return store_.commit(transaction);
    }

   private:
    KeyValueStore& store_;
  };
  std::unique_ptr<KeyValueStore> connect() override { return std::make_unique<Way>(store_); }
  MemoryKeyValueStore store_;
};

class RealEtcd final : public Situation {
  std::unique_ptr<KeyValueStore> connect() override {
    EtcdConfig config;
    config.endpoints = etcd_.urls();
    config.allow_http = true;
    return std::make_unique<EtcdStore>(EtcdStore::open(config).value());
  }
  EtcdCluster etcd_{1};
};

Condition untouched(const std::string& prefix, Revision since) {
  return {Condition::Kind::untouched_since, prefix, since};
}
Condition created(const std::string& key, Revision at) {
  return {Condition::Kind::created_at, key, at};
}
Change put(const std::string& key, const std::string& value) {
  return {Change::Kind::put, key, value};
}
Change erase(const std::string& key) {
  return {Change::Kind::erase, key, ""};
}

class KeyValueStoreContract : public ::testing::TestWithParam<std::string> {
 protected:
  KeyValueStoreContract() {
    if (GetParam() == "etcd")
      situation_ = std::make_unique<RealEtcd>();
    else
      situation_ = std::make_unique<InMemory>();
    store_ = situation_->connect();
  }
  Reading read(const std::string& prefix = gate) {
    auto reading = store_->read(prefix);
    EXPECT_TRUE(reading) << reading.error().what;
    return reading ? *reading : Reading{};
  }
  Committed commit(std::vector<Condition> conditions, std::vector<Change> changes,
                   const std::string& shows = gate) {
    auto outcome = store_->commit({std::move(conditions), std::move(changes), shows});
    EXPECT_TRUE(outcome) << outcome.error().what;
    return outcome ? *outcome : Committed{};
  }

  std::unique_ptr<Situation> situation_;
  std::unique_ptr<KeyValueStore> store_;
};

TEST_P(KeyValueStoreContract, BeginsEmptyAtRevisionOne) {
  const auto reading = read();
  EXPECT_NE(reading.cluster, 0U);
  EXPECT_EQ(reading.revision, 1);
  EXPECT_TRUE(reading.entries.empty());
}

TEST_P(KeyValueStoreContract, WhatIsPutIsThereWithItsRevisions) {
  const auto first = commit({}, {put(gate + "b", "1"), put(gate + "a", "")});
  EXPECT_TRUE(first.done);
  const std::vector<Entry> both = {{gate + "a", "", 2, 2}, {gate + "b", "1", 2, 2}};
  EXPECT_EQ(first.reading.entries, both) << "in byte order, as committed";
  EXPECT_EQ(first.reading.revision, 2) << "one for both";
  const auto second = commit({}, {put(gate + "b", "2")});
  EXPECT_EQ(second.reading.entries[1], (Entry{gate + "b", "2", 2, 3}));
  const auto reading = read();
  EXPECT_EQ(reading.entries, second.reading.entries);
  EXPECT_EQ(reading.revision, 3);
  EXPECT_EQ(reading.cluster, first.reading.cluster);
}

TEST_P(KeyValueStoreContract, APrefixIsAPrefixOfBytes) {
  commit({}, {put(gate + "a", "1"), put(ours + "gate", "2"), put(ours + "gate0", "3"),
              put(ours + "gatf", "4"), put(gate + "\xff", "5"), put(gate + "a/b", "6")});
  std::vector<std::string> keys;
  for (const auto& entry : read().entries) keys.push_back(entry.key.substr(gate.size()));
  EXPECT_EQ(keys, (std::vector<std::string>{"a", "a/b", "\xff"}));
  EXPECT_EQ(read(gate + "a").entries.size(), 2U);
  EXPECT_EQ(read(gate + "\xff").entries.size(), 1U);
  EXPECT_EQ(read(ours).entries.size(), 6U);
}

TEST_P(KeyValueStoreContract, AnyBytesAreKeptAsTheyAre) {
  std::string every;
  for (int c = 0; c < 256; ++c) every += static_cast<char>(c);
  commit({}, {put(gate + every, every), put(gate + "large", std::string(max_value_bytes, '\xfe'))});
  const auto reading = read();
  ASSERT_EQ(reading.entries.size(), 2U);
  EXPECT_EQ(reading.entries[0].key, gate + every);
  EXPECT_EQ(reading.entries[0].value, every);
  EXPECT_EQ(reading.entries[1].value.size(), max_value_bytes);
}

TEST_P(KeyValueStoreContract, ErasedAndMadeAgainIsAnotherKey) {
  commit({}, {put(gate + "a", "1")});
  EXPECT_TRUE(commit({}, {erase(gate + "a")}).reading.entries.empty());
  const auto again = commit({}, {put(gate + "a", "1")});
  EXPECT_EQ(again.reading.entries[0].created, 4);
}

TEST_P(KeyValueStoreContract, WhatChangesNothingIsNoRevision) {
  commit({}, {put(gate + "a", "1")});
  EXPECT_EQ(commit({}, {erase(gate + "none")}).reading.revision, 2);
  EXPECT_EQ(commit({}, {}).reading.revision, 2);
  EXPECT_EQ(commit({}, {put(gate + "a", "1")}).reading.revision, 3) << "the same value is a change";
}

TEST_P(KeyValueStoreContract, CreatedAtHoldsForThatKeyOnly) {
  EXPECT_TRUE(commit({created(gate + "a", 0)}, {put(gate + "a", "1")}).done);
  const auto late = commit({created(gate + "a", 0)}, {put(gate + "a", "2")});
  EXPECT_FALSE(late.done);
  EXPECT_EQ(late.reading.entries[0].value, "1") << "shown either way";
  EXPECT_EQ(late.reading.revision, 2);
  commit({}, {put(gate + "a", "3")});
  EXPECT_FALSE(commit({created(gate + "a", 3)}, {erase(gate + "a")}).done) << "written, not made";
  EXPECT_TRUE(commit({created(gate + "a", 2)}, {erase(gate + "a")}).done);
  EXPECT_FALSE(commit({created(gate + "a", 2)}, {erase(gate + "a")}).done) << "it is gone";
}

TEST_P(KeyValueStoreContract, UntouchedSinceSeesEveryWriteAndNoErasure) {
  EXPECT_TRUE(commit({untouched(gate, 0)}, {}).done) << "nothing is there";
  commit({}, {put(gate + "a", "1"), put(gate + "b", "1")});
  EXPECT_FALSE(commit({untouched(gate, 1)}, {}).done);
  EXPECT_TRUE(commit({untouched(gate, 2)}, {}).done);
  commit({}, {put(ours + "gate0", "beside")});
  EXPECT_TRUE(commit({untouched(gate, 2)}, {}).done);
  commit({}, {erase(gate + "a")});
  EXPECT_TRUE(commit({untouched(gate, 2)}, {}).done);
  commit({}, {put(gate + "b", "2")});
  EXPECT_FALSE(commit({untouched(gate, 4)}, {}).done);
}

TEST_P(KeyValueStoreContract, AllConditionsHoldOrNothingIsChanged) {
  commit({}, {put(gate + "a", "1")});
  const auto outcome = commit({created(gate + "a", 2), created(gate + "b", 7)},
                              {put(gate + "b", "1"), erase(gate + "a"), put(gate + "c", "1")});
  EXPECT_FALSE(outcome.done);
  EXPECT_EQ(read().entries, (std::vector<Entry>{{gate + "a", "1", 2, 2}}));
}

TEST_P(KeyValueStoreContract, WhatIsNotToBeShownIsNot) {
  const auto outcome = commit({}, {put(gate + "a", "1")}, "");
  EXPECT_TRUE(outcome.done);
  EXPECT_TRUE(outcome.reading.entries.empty());
  EXPECT_EQ(outcome.reading.revision, 2);
}

TEST_P(KeyValueStoreContract, BeyondTheBoundsIsRefusedAndNothingIsDone) {
  std::vector<Change> many, large;
  for (std::size_t i = 0; i < max_parts; ++i) many.push_back(put(gate + std::to_string(i), "x"));
  EXPECT_TRUE(commit(std::vector<Condition>(max_parts, created(gate + "x", 0)), many).done);
  many.push_back(put(gate + "x", "x"));
  for (int i = 0; i < 5; ++i)
    large.push_back(put(gate + std::to_string(i), std::string(max_value_bytes, 'x')));
  const std::vector<Transaction> wrong = {
      {{}, many, ""},
      {std::vector<Condition>(max_parts + 1, created(gate + "x", 0)), {}, ""},
      {{}, large, ""},
      {{}, {put(gate + "x", "1"), put(gate + "x", "2")}, ""},
      {{}, {put(gate + "x", "1"), erase(gate + "x")}, ""},
      {{}, {put("", "1")}, ""},
      {{}, {put(gate + std::string(max_key_bytes, 'x'), "1")}, ""},
      {{}, {put(gate + "x", std::string(max_value_bytes + 1, 'x'))}, ""},
      {{created(gate + "x", -1)}, {}, ""},
      {{untouched(gate, INT64_MAX)}, {}, ""},
      {{untouched("", 1)}, {}, ""},
  };
  for (std::size_t i = 0; i < wrong.size(); ++i) {
    const auto outcome = store_->commit(wrong[i]);
    ASSERT_FALSE(outcome) << i;
    EXPECT_EQ(outcome.error().code, Errc::invalid) << i << ": " << outcome.error().what;
  }
  EXPECT_EQ(store_->read("").error().code, Errc::invalid);
  EXPECT_EQ(read().revision, 2);
}

TEST_P(KeyValueStoreContract, AsManyKeysAsMayBeThereAndNotOneMore) {
  for (std::size_t i = 0; i < max_entries; i += max_parts) {
    std::vector<Change> some;
    for (std::size_t k = i; k < i + max_parts; ++k)
      some.push_back(put(gate + std::to_string(k), ""));
    ASSERT_TRUE(commit({}, some, "").done);
  }
  EXPECT_EQ(read().entries.size(), max_entries);
  commit({}, {put(gate + "x", "")}, "");
  EXPECT_EQ(store_->read(gate).error().code, Errc::corrupt);
  EXPECT_EQ(store_->commit({{}, {}, gate}).error().code, Errc::corrupt);
  EXPECT_EQ(read(gate + "x").entries.size(), 1U);
}

// The gate's transaction: each of several at once reads, and puts its own key if nothing was
// written since; every one that is answered "done" has seen all that were done before it.
TEST_P(KeyValueStoreContract, OnlyOneOfManyAtOnce) {
  constexpr int threads = 4, each = 10;
  std::vector<std::thread> running;
  for (int t = 0; t < threads; ++t)
    running.emplace_back([&, t] {
      const auto own = situation_->connect();
      for (int done = 0; done < each;) {
        const auto seen = own->read(gate);
        ASSERT_TRUE(seen) << seen.error().what;
        const auto key = gate + std::to_string(t) + "-" + std::to_string(done);
        const auto outcome = own->commit({{untouched(gate, seen->revision)}, {put(key, "")}, gate});
        ASSERT_TRUE(outcome) << outcome.error().what;
        if (!outcome->done) continue;
        EXPECT_EQ(outcome->reading.entries.size(), seen->entries.size() + 1);
        ++done;
      }
    });
  for (auto& one : running) one.join();
  std::set<Revision> revisions;
  for (const auto& entry : read().entries) revisions.insert(entry.created);
  EXPECT_EQ(revisions.size(), std::size_t{threads * each});
}

INSTANTIATE_TEST_SUITE_P(Stores, KeyValueStoreContract, ::testing::Values("memory", "etcd"),
                         [](const auto& one) { return one.param; });

}  // namespace
}  // namespace cube::fleet
