// KeyValueStore: the port to what the machines of a cluster agree by: keys with values, read and
// changed in one linear order. etcd in production (etcd_store.h). It coordinates and authorises
// nothing: what it holds may be wrong or hostile, and can only keep a machine from restarting.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"

namespace cube::fleet {

inline constexpr std::size_t max_key_bytes = 512;
inline constexpr std::size_t max_value_bytes = 256 * 1024;
inline constexpr std::size_t max_entries = 4096;                   // of one reading
inline constexpr std::size_t max_reading_bytes = 4 * 1024 * 1024;  // keys and values together
inline constexpr std::size_t max_parts = 64;  // of a transaction: conditions, changes
inline constexpr std::size_t max_transaction_bytes = 1024 * 1024;  // keys and values together

using Revision = std::int64_t;  // counts the changes of the whole store, from 1

struct Entry {
  std::string key;
  std::string value;
  Revision created = 0;   // when this key came to be; another one when it was gone in between
  Revision modified = 0;  // when it was written last

  friend bool operator==(const Entry&, const Entry&) = default;
};

// Every key below a prefix, in byte order, as they were at one revision.
struct Reading {
  std::uint64_t cluster = 0;  // id of the store: another one means that its data was replaced
  Revision revision = 0;      // of the store; a lower one than before: an old copy was restored
  std::vector<Entry> entries;
};

struct Condition {
  enum class Kind {
    untouched_since,  // no key below the prefix `key` was written after `revision`; deletes are not
                      // seen
    created_at,       // `key` was created at `revision`; 0: it is not there
  };
  Kind kind{};
  std::string key;
  Revision revision = 0;
};

struct Change {
  enum class Kind { put, erase };
  Kind kind{};
  std::string key;
  std::string value;  // of a put
};

// All changes are made if all conditions hold, otherwise none. No key is changed twice.
struct Transaction {
  std::vector<Condition> conditions;
  std::vector<Change> changes;
  std::string shows;  // prefix that is read back, in the same step, either way; "": nothing
};

struct Committed {
  bool done = false;  // the conditions held
  Reading reading;    // after it, of Transaction::shows
};

class KeyValueStore {
 public:
  virtual ~KeyValueStore() = default;

  // What is there now: after every change that was answered before this call. Errors: unreachable,
  // untrusted (the store refuses us), corrupt (an answer without sense, or beyond the bounds),
  // invalid (no such prefix).
  virtual Result<Reading> read(const std::string& prefix) = 0;

  // Errors: unreachable (it may have been done, or be done later: read again before believing
  // anything), no_space (nothing was done: the store takes no more; erasing still works),
  // untrusted, corrupt, invalid (more than the bounds).
  virtual Result<Committed> commit(const Transaction& transaction) = 0;
};

// A key, or a prefix of keys: 1 to max_key_bytes. Errors: invalid.
[[nodiscard]] Status check_key(const std::string& key);
// Within the bounds, and no key is changed twice. Errors: invalid.
[[nodiscard]] Status check_transaction(const Transaction& transaction);

}  // namespace cube::fleet
