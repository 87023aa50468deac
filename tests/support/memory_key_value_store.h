// A KeyValueStore in memory: what etcd does with the same questions (tests/contract), with faults
// on request and all that was ever written.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "agent/fleet/key_value_store.h"

namespace cube::fleet {

class MemoryKeyValueStore final : public KeyValueStore {
 public:
  enum class Fault {
    none,
    unreachable,  // nothing is done
    answer_lost,  // it is done, and nobody hears of it
    no_space,     // nothing can be put any more
  };
  // Asked before each request, with its number from 1, and free to make others first; by default no
  // fault.
  std::function<Fault(int)> fault = [](int) { return Fault::none; };

  Result<Reading> read(const std::string& prefix) override;
  Result<Committed> commit(const Transaction& transaction) override;

  // All data are gone, and the store has another id.
  void replace();
  // The data are those of an earlier moment.
  struct Copy;
  [[nodiscard]] std::shared_ptr<const Copy> copy() const;
  void restore(const Copy& copy);

  [[nodiscard]] std::map<std::string, Entry> entries() const;
  [[nodiscard]] int requests() const { return requests_; }
  // Every change, in order: key, value, and whether it was erased.
  struct Event {
    Revision revision = 0;
    Change change;
  };
  [[nodiscard]] const std::vector<Event>& history() const { return history_; }

 private:
  [[nodiscard]] bool holds(const Condition& condition) const;
  [[nodiscard]] Reading show(const std::string& prefix) const;
  void apply(const Change& change);

  mutable std::mutex mutex_;
  std::uint64_t cluster_ = 1;
  Revision revision_ = 1;
  std::map<std::string, Entry> entries_;
  std::vector<Event> history_;
  std::atomic<int> requests_ = 0;
};

struct MemoryKeyValueStore::Copy {
  Revision revision = 0;
  std::map<std::string, Entry> entries;
};

}  // namespace cube::fleet
