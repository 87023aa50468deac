#include "agent/fleet/lock_part.h"

#include "agent/fleet/back_to_work.h"

namespace cube::fleet {
namespace {

constexpr std::chrono::seconds one_question{30};
constexpr int tries = 3;

Result<std::string> id_of(const RootDir& root, const Config& config) {
  if (!config.fleet_node.empty()) return config.fleet_node;
  const auto machine = root.read_file("etc/machine-id", 128);
  auto id = machine ? machine->substr(0, machine->find('\n')) : std::string();
  if (!id.empty()) return id;
  return Error{Errc::invalid,
               "a FleetLock knows machines by an id, and nothing tells this one's: set fleet.node "
               "in /etc/cube-update/config.d"};
}

}  // namespace

Result<LockTurn> lock_turn_of(const RootDir& root, const Config& config) {
  if (!config.fleet_cluster.empty())
    return Error{Errc::invalid,
                 "fleet.cluster and fleet.lock-url exclude each other: a machine has its turns at "
                 "one gate"};
  FleetLockConfig lock;
  CUBE_TRY(lock.id, id_of(root, config));
  lock.url = config.fleet_lock_url;
  lock.group = config.fleet_lock_group.empty() ? "default" : config.fleet_lock_group;
  lock.http.allow_http = config.fleet_allow_http;
  lock.http.ca_file = config.fleet_ca_file;
  lock.http.client_certificate = config.fleet_client_certificate;
  lock.http.client_key = config.fleet_client_key;
  lock.http.deadline = one_question;
  lock.http.tries = tries;
  const Member member{lock.group, lock.id, config.fleet_domain, {}, ""};
  return LockTurn::open(root, std::move(lock),
                        [&root, member, timeout = std::chrono::seconds(config.hooks_timeout)] {
                          return back_to_work(root, timeout, member);
                        });
}

}  // namespace cube::fleet
