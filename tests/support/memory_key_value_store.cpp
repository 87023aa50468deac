#include "tests/support/memory_key_value_store.h"

#include <algorithm>

namespace cube::fleet {

namespace {

Result<Reading> within_bounds(Reading reading) {
  std::size_t bytes = 0;
  for (const auto& entry : reading.entries) bytes += entry.key.size() + entry.value.size();
  if (reading.entries.size() <= max_entries && bytes <= max_reading_bytes) return reading;
  return Error{Errc::corrupt, "more than may be there"};
}

}  // namespace

Reading MemoryKeyValueStore::show(const std::string& prefix) const {
  Reading reading{cluster_, revision_, {}};
  for (const auto& [key, entry] : entries_)
    if (!prefix.empty() && key.starts_with(prefix)) reading.entries.push_back(entry);
  return reading;
}

bool MemoryKeyValueStore::holds(const Condition& condition) const {
  if (condition.kind == Condition::Kind::untouched_since)
    return std::none_of(entries_.begin(), entries_.end(), [&](const auto& one) {
      return one.first.starts_with(condition.key) && one.second.modified > condition.revision;
    });
  const auto found = entries_.find(condition.key);
  return (found == entries_.end() ? 0 : found->second.created) == condition.revision;
}

void MemoryKeyValueStore::apply(const Change& change) {
  if (change.kind == Change::Kind::erase) {
    if (entries_.erase(change.key) != 0) history_.push_back({revision_, change});
    return;
  }
  auto& entry = entries_[change.key];
  if (entry.created == 0) entry.created = revision_;
  entry.key = change.key;
  entry.value = change.value;
  entry.modified = revision_;
  history_.push_back({revision_, change});
}

Result<Reading> MemoryKeyValueStore::read(const std::string& prefix) {
  CUBE_CHECK(check_key(prefix));
  const auto happens = fault(++requests_);
  const std::lock_guard lock(mutex_);
  if (happens == Fault::unreachable || happens == Fault::answer_lost)
    return Error{Errc::unreachable, "the store does not answer"};
  return within_bounds(show(prefix));
}

Result<Committed> MemoryKeyValueStore::commit(const Transaction& transaction) {
  CUBE_CHECK(check_transaction(transaction));
  const auto happens = fault(++requests_);
  const std::lock_guard lock(mutex_);
  if (happens == Fault::unreachable) return Error{Errc::unreachable, "the store does not answer"};
  const auto& changes = transaction.changes;
  const bool puts = std::any_of(changes.begin(), changes.end(),
                                [](const Change& c) { return c.kind == Change::Kind::put; });
  if (happens == Fault::no_space && puts) return Error{Errc::no_space, "the store is full"};
  Committed outcome;
  outcome.done = std::all_of(transaction.conditions.begin(), transaction.conditions.end(),
                             [this](const Condition& one) { return holds(one); });
  if (outcome.done && !changes.empty()) {
    // What changes nothing is no revision.
    const bool changes_something =
        std::any_of(changes.begin(), changes.end(), [this](const Change& change) {
          return change.kind == Change::Kind::put || entries_.count(change.key) != 0;
        });
    if (changes_something) ++revision_;
    for (const auto& change : changes) apply(change);
  }
  CUBE_TRY(outcome.reading, within_bounds(show(transaction.shows)));
  if (happens == Fault::answer_lost) return Error{Errc::unreachable, "the answer was lost"};
  return outcome;
}

void MemoryKeyValueStore::replace() {
  const std::lock_guard lock(mutex_);
  ++cluster_;
  revision_ = 1;
  entries_.clear();
}

std::shared_ptr<const MemoryKeyValueStore::Copy> MemoryKeyValueStore::copy() const {
  const std::lock_guard lock(mutex_);
  return std::make_shared<const Copy>(Copy{revision_, entries_});
}

void MemoryKeyValueStore::restore(const Copy& copy) {
  const std::lock_guard lock(mutex_);
  revision_ = copy.revision;
  entries_ = copy.entries;
}

std::map<std::string, Entry> MemoryKeyValueStore::entries() const {
  const std::lock_guard lock(mutex_);
  return entries_;
}

}  // namespace cube::fleet
