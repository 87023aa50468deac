// EtcdStore: the KeyValueStore on etcd 3.4 or 3.5, through its JSON gateway. Readings are
// linearizable, a commit is one transaction. Watches and leases are not used.
#pragma once

#include <string>
#include <utility>

#include "agent/fleet/etcd_gateway.h"
#include "agent/fleet/key_value_store.h"

namespace cube::fleet {

class EtcdStore final : public KeyValueStore {
 public:
  // Asks nobody. Errors: invalid.
  static Result<EtcdStore> open(EtcdConfig config);

  // Errors: as KeyValueStore; invalid (keys outside of EtcdConfig::prefix, or the configuration),
  // cancelled.
  Result<Reading> read(const std::string& prefix) override;
  Result<Committed> commit(const Transaction& transaction) override;

  // For questions about the cluster itself (etcd_members.h).
  [[nodiscard]] EtcdGateway& gateway() { return gateway_; }

 private:
  explicit EtcdStore(EtcdGateway gateway) : gateway_(std::move(gateway)) {}
  [[nodiscard]] Status check_ours(const std::string& key) const;

  EtcdGateway gateway_;
};

}  // namespace cube::fleet
