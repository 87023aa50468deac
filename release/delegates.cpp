#include "release/delegates.h"

#include <algorithm>

#include "base/digest.h"
#include "release/publisher_run.h"

namespace cube {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;

const DelegatedRole* find_role(const Targets& targets, const std::string& name) {
  const auto found = std::find_if(targets.delegated.begin(), targets.delegated.end(),
                                  [&](const DelegatedRole& each) { return each.name == name; });
  return found == targets.delegated.end() ? nullptr : &*found;
}

Result<NamedKey> key_of(const KeyFolder& keys, const std::string& role) {
  auto key = keys.find(role);
  if (key && key->has_private) return key;
  if (!key && key.error().code != Errc::not_found) return key;
  return Error{Errc::untrusted, "role " + role + ": its private key is not in " + keys.path() +
                                    "; make one with `cube-release key generate " + role +
                                    "`, or name another folder with --keys"};
}

// The `signed` part of a list with one more role, or with another key of one.
Result<Json::Object> with_delegation(Json::Object body, const std::string& role,
                                     const std::string& path, const NamedKey& key) {
  Json::Object known, delegations;
  Json::Array roles;
  if (body.count("delegations") != 0) {
    CUBE_TRY(delegations, body["delegations"].object());
    CUBE_TRY(known, delegations["keys"].object());
    CUBE_TRY(const auto before, delegations["roles"].array());
    for (const auto& each : before) {
      CUBE_TRY(const auto name, each.string_at("name"));
      if (name != role) roles.push_back(each);
    }
  }
  known[key.id] = key.public_json;
  roles.push_back(Json::Object{{"name", role},
                               {"keyids", Json::Array{key.id}},
                               {"threshold", 1},
                               {"terminating", false},
                               {"paths", Json::Array{path}}});
  delegations["keys"] = std::move(known);
  delegations["roles"] = std::move(roles);
  body["delegations"] = std::move(delegations);
  return body;
}

}  // namespace

Result<Publisher::Document> Publisher::Delegates::signed_list(const Run& run,
                                                              const DelegatedRole& role,
                                                              const Keys& known,
                                                              Json::Object before,
                                                              Json::Object targets) const {
  Document made{role.name, 0, ""};
  CUBE_TRY(made.version, publisher_.repository_.next_version(role.name));
  const auto days = run.days.value_or(publisher_.settings_.lifetimes.targets);
  const DocumentHead head{"targets", made.version, run.now + static_cast<UnixSeconds>(days) * day};
  CUBE_TRY(const auto signers, signers_among(run.keys, role.key_ids));
  CUBE_TRY(made.text,
           sign_with(targets_body(head, std::move(before), std::move(targets)), signers));
  CUBE_TRY(const auto read_back, parse_targets(made.text, role.name));
  CUBE_CHECK(check_signatures(read_back, known, role, role.name));
  return made;
}

Result<Publisher::Document> Publisher::Delegates::delegating(const Run& run, const Wish& wish,
                                                             const NamedKey& key) const {
  Document made{"targets", 0, ""};
  CUBE_TRY(made.version, publisher_.repository_.next_version("targets"));
  const auto days = run.days.value_or(publisher_.settings_.lifetimes.targets);
  const DocumentHead head{"targets", made.version, run.now + static_cast<UnixSeconds>(days) * day};
  CUBE_TRY(auto before, signed_part(run.before->targets.text));
  CUBE_TRY(before, with_delegation(std::move(before), wish.role, wish.path, key));
  CUBE_TRY(auto targets, targets_of(*run.before));
  const Json body = targets_body(head, std::move(before), std::move(targets));
  CUBE_TRY(made.text, sign_document(body, run.keys, run.root, "targets"));
  CUBE_TRY(const auto read_back, parse_targets(made.text));
  CUBE_CHECK(check_signatures(read_back, run.root, "targets"));
  return made;
}

Result<Publication> Publisher::Delegates::publish(const Wish& wish, UnixSeconds now,
                                                  std::optional<std::uint64_t> days) const {
  const auto& repository = publisher_.repository_;
  CUBE_TRY(auto run, publisher_.begin(now, days));
  if (!run.before)
    return Error{Errc::invalid, "repository " + repository.path() +
                                    ": nothing is published; publish a release first"};
  CUBE_TRY(const auto key, key_of(run.keys, wish.role));
  Anew anew;
  Targets delegator = run.before->targets;
  const auto* role = find_role(delegator, wish.role);
  const bool same_key = role != nullptr && role->key_ids == std::vector<std::string>{key.id} &&
                        role->paths == std::vector<std::string>{wish.path};
  if (role != nullptr && !same_key && !wish.new_key)
    return Error{Errc::untrusted, "role " + wish.role +
                                      ": the targets role delegates to another key than " +
                                      wish.role + " in " + run.keys.path() +
                                      "; bring that one, or let this one sign from now on with "
                                      "--new-key"};
  CUBE_TRY(const auto before, published(wish.role, wish.path, max_targets_bytes));
  if (same_key && before == wish.text)
    return Error{Errc::nothing_to_do, wish.path + ": is published already"};
  if (!same_key) {
    CUBE_TRY(anew.targets, delegating(run, wish, key));
    CUBE_TRY(delegator, parse_targets(anew.targets->text));
    role = find_role(delegator, wish.role);
  }
  CUBE_TRY(auto list,
           signed_list(run, *role, delegator.keys, {}, {{wish.path, target_file(wish.text)}}));
  anew.delegated.push_back(std::move(list));
  auto described = anew.delegated;
  if (anew.targets) described.push_back(*anew.targets);
  CUBE_TRY(anew.snapshot, publisher_.make_meta(run, "snapshot", described));
  CUBE_TRY(anew.timestamp, publisher_.make_meta(run, "timestamp", {*anew.snapshot}));
  CUBE_CHECK(repository.put_document(wish.path, wish.text));
  CUBE_CHECK(publisher_.put_and_stage(anew));
  CUBE_CHECK(publisher_.finish(run, anew));
  return std::move(run.result);
}

Result<std::optional<std::string>> Publisher::Delegates::published(const std::string& role,
                                                                   const std::string& path,
                                                                   std::size_t max_bytes) const {
  const auto& repository = publisher_.repository_;
  CUBE_TRY(const auto state, repository.published());
  if (!state) return std::optional<std::string>();
  CUBE_TRY(const auto list, repository.delegated(*state, role));
  if (!list) return std::optional<std::string>();
  return repository.listed(*list, path, max_bytes);
}

Result<std::vector<Publisher::Document>> Publisher::Delegates::renewed(const Run& run) const {
  std::vector<Document> documents;
  const auto& state = *run.before;
  for (const auto& role : state.targets.delegated) {
    const auto key = run.keys.find(role.name);
    if (!key || !key->has_private || role.key_ids != std::vector<std::string>{key->id}) continue;
    CUBE_TRY(const auto list, publisher_.repository_.delegated(state, role.name));
    if (!list) continue;
    CUBE_TRY(auto body, signed_part(list->text));
    CUBE_TRY(auto targets, body.at("targets").object());
    CUBE_TRY(auto document,
             signed_list(run, role, state.targets.keys, std::move(body), std::move(targets)));
    documents.push_back(std::move(document));
  }
  return documents;
}

}  // namespace cube
