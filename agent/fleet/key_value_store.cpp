#include "agent/fleet/key_value_store.h"

#include <limits>
#include <set>

namespace cube::fleet {
namespace {

Error wrong(const std::string& why) {
  return {Errc::invalid, "a transaction with " + why};
}

}  // namespace

Status check_key(const std::string& key) {
  if (!key.empty() && key.size() <= max_key_bytes) return ok();
  return Error{Errc::invalid, "a key has 1 to " + std::to_string(max_key_bytes) + " bytes, not " +
                                  std::to_string(key.size())};
}

Status check_transaction(const Transaction& transaction) {
  if (transaction.conditions.size() > max_parts || transaction.changes.size() > max_parts)
    return wrong("more than " + std::to_string(max_parts) + " conditions or changes");
  std::size_t bytes = 0;
  for (const auto& condition : transaction.conditions) {
    CUBE_CHECK(check_key(condition.key));
    if (condition.revision < 0 || condition.revision == std::numeric_limits<Revision>::max())
      return wrong("a revision that cannot be");
    bytes += condition.key.size();
  }
  std::set<std::string> changed;
  for (const auto& change : transaction.changes) {
    CUBE_CHECK(check_key(change.key));
    if (!changed.insert(change.key).second) return wrong("two changes of " + change.key);
    if (change.value.size() > max_value_bytes) return wrong("too large a value of " + change.key);
    bytes += change.key.size() + change.value.size();
  }
  if (bytes > max_transaction_bytes)
    return wrong("more than " + std::to_string(max_transaction_bytes) + " bytes");
  return transaction.shows.empty() ? ok() : check_key(transaction.shows);
}

}  // namespace cube::fleet
