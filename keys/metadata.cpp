#include "keys/metadata.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/file_url.h"
#include "base/mutation.h"
#include "keys/metadata_parts.h"
#include "keys/signature.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::size_t max_targets = 4096;
constexpr std::size_t max_path = 1024;
constexpr std::size_t max_roles = 1024;
constexpr std::array<const char*, 4> top_roles{"root", "timestamp", "snapshot", "targets"};
constexpr std::string_view release_head = "releases/";
constexpr std::string_view release_tail = "/manifest.json";

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

// NAME of "releases/NAME/manifest.json".
std::optional<std::string> release_of(const std::string& target) {
  if (target.size() <= release_head.size() + release_tail.size() ||
      !target.starts_with(release_head) || !target.ends_with(release_tail))
    return std::nullopt;
  auto name =
      target.substr(release_head.size(), target.size() - release_head.size() - release_tail.size());
  if (!is_safe_name(name)) return std::nullopt;
  return name;
}

Result<Root> read_root(const std::string& text) {
  Root root;
  CUBE_TRY(const Json body, parse_head(root, text, "root", max_metadata_bytes));
  if (body.has("consistent_snapshot")) {
    CUBE_TRY(const Json consistent, body.member("consistent_snapshot"));
    CUBE_TRY(root.consistent_snapshot, consistent.boolean());
  }
  CUBE_TRY(const Json keys, body.member("keys"));
  CUBE_TRY(root.keys, parse_keys(keys));
  CUBE_TRY(const Json roles, body.member("roles"));
  for (const std::string name : top_roles) {
    CUBE_TRY(const Json json, roles.member(name));
    auto status = parse_role(root.roles[name], json, keys);
    if (!status) return std::move(status).error().in("role " + name);
  }
  return root;
}

Result<Timestamp> read_timestamp(const std::string& text) {
  Timestamp timestamp;
  CUBE_TRY(const Json body, parse_head(timestamp, text, "timestamp", max_metadata_bytes));
  CUBE_TRY(const Json meta, body.member("meta"));
  CUBE_TRY(const Json json, meta.member("snapshot.json"));
  CUBE_TRY(timestamp.snapshot, parse_meta_file(json));
  return timestamp;
}

Result<Snapshot> read_snapshot(const std::string& text) {
  const std::string tail = ".json";
  Snapshot snapshot;
  CUBE_TRY(const Json body, parse_head(snapshot, text, "snapshot", max_snapshot_bytes));
  CUBE_TRY(const Json meta, body.member("meta"));
  CUBE_TRY(const auto members, meta.object());
  if (members.size() > max_roles) return corrupt("more than 1024 roles");
  for (const auto& [name, json] : members) {
    if (!name.ends_with(tail)) return corrupt("a role's file does not end in .json");
    auto file = parse_meta_file(json);
    if (!file) return std::move(file).error().in(percent_encoded(name));
    auto role = name.substr(0, name.size() - tail.size());
    if (role == "targets") {
      snapshot.targets = std::move(file).value();
    } else if (role != "root") {  // some publishers list it; its chain is followed without
      CUBE_CHECK(check_role_name(role));
      snapshot.delegated.emplace(std::move(role), std::move(file).value());
    }
  }
  if (snapshot.targets.version == 0) return corrupt("no member \"targets.json\"");
  return snapshot;
}

Result<Targets> read_targets(const std::string& text) {
  Targets targets;
  CUBE_TRY(const Json body, parse_head(targets, text, "targets", max_targets_bytes));
  CUBE_TRY(const Json member, body.member("targets"));
  CUBE_TRY(const auto members, member.object());
  if (members.size() > max_targets) return corrupt("more than 4096 targets");
  for (const auto& [path, json] : members) {
    if (path.size() > max_path) return corrupt("a target's path of more than 1024 bytes");
    auto file = parse_target_file(json);
    if (!file) return std::move(file).error().in(percent_encoded(path, "/"));
    if (const auto release = release_of(path)) targets.releases.emplace(*release, *file);
    targets.files.emplace(path, std::move(file).value());
  }
  if (body.has("delegations")) {
    CUBE_TRY(const Json delegations, body.member("delegations"));
    CUBE_CHECK(parse_delegations(targets, delegations));
  }
  return targets;
}

template <typename T>
Result<T> named(Result<T> parsed, const std::string& name) {
  if (!parsed) return std::move(parsed).error().in(name);
  return parsed;
}

}  // namespace

Result<Root> parse_root(const std::string& text) {
  return named(read_root(text), "root.json");
}
Result<Timestamp> parse_timestamp(const std::string& text) {
  return named(read_timestamp(text), "timestamp.json");
}
Result<Snapshot> parse_snapshot(const std::string& text) {
  return named(read_snapshot(text), "snapshot.json");
}
Result<Targets> parse_targets(const std::string& text, const std::string& role) {
  return named(read_targets(text), percent_encoded(role) + ".json");
}

std::string target_of_release(const std::string& name) {
  return std::string(release_head) + name + std::string(release_tail);
}

Result<std::vector<std::string>> good_signers(const Metadata& document, const Keys& keys,
                                              const Role& role) {
  const auto& allowed = role.key_ids;
  std::set<std::string> counted;
  std::vector<std::string> signers;
  for (const auto& signature : document.signatures) {
    if (std::find(allowed.begin(), allowed.end(), signature.key_id) == allowed.end()) continue;
    const auto found = keys.find(signature.key_id);
    if (found == keys.end()) continue;
    const auto& key = found->second;
    CUBE_TRY(const bool matches, signature_matches(key, document.covered, signature.bytes));
    const auto& what = mutated("threshold-counts-ids") ? signature.key_id : key.bytes;
    if (matches && counted.insert(what).second) signers.push_back(signature.key_id);
  }
  return signers;
}

Status check_signatures(const Metadata& document, const Keys& keys, const Role& role,
                        const std::string& name) {
  CUBE_TRY(const auto signers, good_signers(document, keys, role));
  if (signers.size() >= role.threshold) return ok();
  return Error{Errc::untrusted, "signed by " + std::to_string(signers.size()) + " of the " +
                                    std::to_string(role.threshold) + " keys that role " + name +
                                    " needs"};
}

Status check_signatures(const Metadata& document, const Root& root, const std::string& role) {
  const auto found = root.roles.find(role);
  if (found == root.roles.end()) return Error{Errc::untrusted, "no role " + role + " in the root"};
  return check_signatures(document, root.keys, found->second, role);
}

}  // namespace cube
