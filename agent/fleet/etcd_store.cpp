#include "agent/fleet/etcd_store.h"

namespace cube::fleet {

Result<EtcdStore> EtcdStore::open(EtcdConfig config) {
  CUBE_TRY(auto gateway, EtcdGateway::open(std::move(config)));
  return EtcdStore(std::move(gateway));
}

Status EtcdStore::check_ours(const std::string& key) const {
  CUBE_CHECK(check_key(key));
  const auto& prefix = gateway_.config().prefix;
  if (key.starts_with(prefix)) return ok();
  return Error{Errc::invalid, "etcd: a key that does not begin with " + prefix};
}

Result<Reading> EtcdStore::read(const std::string& prefix) {
  CUBE_CHECK(check_ours(prefix));
  CUBE_TRY(const auto answer,
           gateway_.ask("/v3/kv/range", range_request(prefix), EtcdGateway::Effect::none));
  return reading_in(answer, prefix);
}

Result<Committed> EtcdStore::commit(const Transaction& transaction) {
  CUBE_CHECK(check_transaction(transaction));
  for (const auto& condition : transaction.conditions) CUBE_CHECK(check_ours(condition.key));
  for (const auto& change : transaction.changes) CUBE_CHECK(check_ours(change.key));
  if (!transaction.shows.empty()) CUBE_CHECK(check_ours(transaction.shows));
  CUBE_TRY(const auto answer,
           gateway_.ask("/v3/kv/txn", transaction_request(transaction), EtcdGateway::Effect::once));
  return outcome_in(answer, transaction);
}

}  // namespace cube::fleet
