#include "agent/fleet/cluster_part.h"

#include <algorithm>
#include <random>

#include "agent/fleet/back_to_work.h"
#include "agent/fleet/etcd_members.h"
#include "agent/fleet/member.h"
#include "agent/fleet/plan_source.h"

namespace cube::fleet {
namespace {

std::uint64_t draw() {
  std::random_device random;
  return std::uint64_t{random()} << 32 | random();
}

EtcdConfig etcd_config(const RootDir& root, const Config& config) {
  EtcdConfig etcd;
  etcd.endpoints = config.fleet_endpoints;
  etcd.allow_http = config.fleet_allow_http;
  etcd.ca_file = config.fleet_ca_file;
  etcd.client_certificate = config.fleet_client_certificate;
  etcd.client_key = config.fleet_client_key;
  etcd.user = config.fleet_user;
  etcd.password_file =
      config.fleet_password_file.empty() ? "" : root.join(config.fleet_password_file);
  return etcd;
}

bool has_all(const std::vector<std::string>& labels, const std::vector<std::string>& wanted) {
  return std::all_of(wanted.begin(), wanted.end(), [&](const std::string& one) {
    return std::find(labels.begin(), labels.end(), one) != labels.end();
  });
}

}  // namespace

Result<std::unique_ptr<ClusterPart>> ClusterPart::open(const RootDir& root, const Config& config,
                                                       const Clock& clock,
                                                       const std::string& boot_id) {
  CUBE_TRY(auto member, member_of(root, config));
  if (config.fleet_endpoints.empty())
    return Error{Errc::invalid, "fleet.cluster needs fleet.endpoints: where its etcd is"};
  CUBE_TRY(auto store, EtcdStore::open(etcd_config(root, config)));
  std::unique_ptr<ClusterPart> part(
      new ClusterPart(root, config, clock, std::move(member), std::move(store)));
  part->participant_ = std::make_unique<Participant>(
      ParticipantPorts{part->store_, part->memory_, clock, draw,
                       [p = part.get()] {
                         return back_to_work(
                             p->root_, std::chrono::seconds(p->config_.hooks_timeout), p->member_);
                       },
                       [p = part.get()] { return p->leads_store(); }},
      part->member_, boot_id);
  return part;
}

OperatorActs ClusterPart::acts(std::string by) {
  return {store_, clock_, member_.cluster, std::move(by), draw};
}

// Its member has this machine's name; where none has, nobody can tell.
Result<bool> ClusterPart::leads_store() {
  CUBE_TRY(const auto status, any_status_of(store_.gateway()));
  CUBE_TRY(const auto members, members_of(store_.gateway()));
  return std::any_of(members.begin(), members.end(), [&](const EtcdMember& one) {
    return one.id == status.leader && one.name == member_.node;
  });
}

Result<Turn> ClusterPart::turn_of(const Update& update) const {
  const std::string& release = update.release.name.text;
  Turn turn{update.attempt, release, release, {}, {}};
  if (!config_.fleet_plan) return turn;
  auto force = PlanSource(root_).kept();
  if (!force && force.error().code == Errc::not_found) return turn;
  if (!force) return std::move(force).error();
  turn.plan = {force->plan.serial, force->sha256};
  const auto* planned = find_release(force->plan, release);
  turn.renews_store = planned != nullptr && !planned->etcd_minor.empty();
  for (const auto& rollout : force->plan.rollouts) {
    if (rollout.release != release) continue;
    turn.rollout = rollout.id;
    turn.limits = rollout.limits;
    turn.canary = rollout.canary && has_all(config_.fleet_labels, rollout.canary->labels);
  }
  return turn;
}

Result<Limits> ClusterPart::limits_of(const std::string& rollout) const {
  if (!config_.fleet_plan) return Limits{};
  auto force = PlanSource(root_).kept();
  if (!force && force.error().code != Errc::not_found) return std::move(force).error();
  if (force)
    for (const auto& one : force->plan.rollouts)
      if (one.id == rollout) return one.limits;
  return Limits{};
}

}  // namespace cube::fleet
