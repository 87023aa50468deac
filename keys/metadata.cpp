#include "keys/metadata.h"

#include <algorithm>
#include <array>
#include <set>

#include "base/digest.h"
#include "base/json.h"
#include "base/mutation.h"
#include "keys/signature.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::size_t max_depth = 16;
constexpr std::size_t max_keys = 64;
constexpr std::size_t max_signatures = 16;
constexpr std::size_t max_targets = 4096;
constexpr std::uint64_t max_version = (std::uint64_t{1} << 53) - 1;
constexpr std::array<const char*, 4> top_roles{"root", "timestamp", "snapshot", "targets"};

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

Result<std::uint64_t> version_of(const Json& json) {
  CUBE_TRY(const auto version, json.unsigned_at("version"));
  if (version < 1 || version > max_version) return corrupt("\"version\" is out of range");
  return version;
}

Result<Signature> parse_signature(const Json& json) {
  Signature signature;
  CUBE_TRY(signature.key_id, json.string_at("keyid"));
  CUBE_TRY(const std::string hex, json.string_at("sig"));
  if (!is_sha256_hex(signature.key_id)) return corrupt("\"keyid\" is not 64 hex digits");
  CUBE_TRY(signature.bytes, from_hex(hex));
  return signature;
}

Result<std::vector<Signature>> parse_signatures(const Json& document) {
  CUBE_TRY(const Json member, document.member("signatures"));
  CUBE_TRY(const auto items, member.array());
  if (items.size() > max_signatures) return corrupt("more than 16 signatures");
  std::vector<Signature> signatures;
  std::set<std::string> seen;
  for (const auto& item : items) {
    auto signature = parse_signature(item);
    if (!signature) return corrupt("signature: " + signature.error().what);
    if (!seen.insert(signature->key_id).second) return corrupt("two signatures with one key id");
    signatures.push_back(std::move(signature).value());
  }
  return signatures;
}

bool is_spec_1(const std::string& version) {
  return version.size() > 2 && version.substr(0, 2) == "1." &&
         std::all_of(version.begin() + 2, version.end(),
                     [](char c) { return c == '.' || (c >= '0' && c <= '9'); });
}

// Fills what all documents have in common; returns `signed`.
Result<Json> parse_common(Metadata& into, const std::string& text, const std::string& type,
                          std::size_t max_bytes) {
  CUBE_TRY(const Json document, Json::parse(text, {max_bytes, max_depth}));
  CUBE_TRY(into.signatures, parse_signatures(document));
  CUBE_TRY(Json body, document.member("signed"));
  CUBE_TRY(const std::string found, body.string_at("_type"));
  if (found != type) return corrupt("\"_type\" is not \"" + type + "\"");
  CUBE_TRY(const std::string spec, body.string_at("spec_version"));
  if (!is_spec_1(spec)) return corrupt("\"spec_version\" is not 1.x");
  CUBE_TRY(into.version, version_of(body));
  CUBE_TRY(const std::string expires, body.string_at("expires"));
  auto time = parse_utc(expires);
  if (!time) return corrupt("\"expires\" is not of the form 2026-11-25T20:55:00Z");
  into.expires = *time;
  into.text = text;
  into.covered = body.canonical();
  return body;
}

Result<std::map<std::string, PublicKey>> parse_keys(const Json& body) {
  CUBE_TRY(const Json member, body.member("keys"));
  CUBE_TRY(const auto members, member.object());
  if (members.size() > max_keys) return corrupt("more than 64 keys");
  std::map<std::string, PublicKey> keys;
  for (const auto& [id, json] : members) {
    if (!is_sha256_hex(id)) return corrupt("a key id is not 64 hex digits");
    auto key = PublicKey::parse(json);
    if (!key) return std::move(key).error().in("key " + id);
    if (key->id != id) return corrupt("key " + id + ": the id is not the hash of the key");
    keys.emplace(id, std::move(key).value());
  }
  return keys;
}

Result<Role> parse_role(const Json& json, const std::map<std::string, PublicKey>& keys) {
  Role role;
  CUBE_TRY(role.threshold, json.unsigned_at("threshold"));
  if (role.threshold < 1 || role.threshold > max_keys)
    return corrupt("\"threshold\" is out of range");
  CUBE_TRY(const Json member, json.member("keyids"));
  CUBE_TRY(const auto items, member.array());
  std::set<std::string> seen;
  for (const auto& item : items) {
    CUBE_TRY(std::string id, item.string());
    if (keys.count(id) == 0) return corrupt("a key id without a key");
    if (!seen.insert(id).second) return corrupt("key " + id + " is listed twice");
    role.key_ids.push_back(std::move(id));
  }
  return role;
}

Result<std::optional<std::string>> parse_hash(const Json& json) {
  if (!json.has("hashes")) return std::optional<std::string>();
  CUBE_TRY(const Json hashes, json.member("hashes"));
  CUBE_TRY(std::string hash, hashes.string_at("sha256"));
  if (!is_sha256_hex(hash)) return corrupt("\"sha256\" is not 64 hex digits");
  return std::optional<std::string>(std::move(hash));
}

Result<MetaFile> parse_meta_file(const Json& body, const std::string& name) {
  CUBE_TRY(const Json meta, body.member("meta"));
  CUBE_TRY(const Json json, meta.member(name));
  MetaFile file;
  CUBE_TRY(file.version, version_of(json));
  if (json.has("length")) {
    CUBE_TRY(file.length, json.unsigned_at("length"));
  }
  CUBE_TRY(file.sha256, parse_hash(json));
  return file;
}

Result<TargetFile> parse_target(const Json& json) {
  TargetFile target;
  CUBE_TRY(target.length, json.unsigned_at("length"));
  CUBE_TRY(auto hash, parse_hash(json));
  if (!hash) return corrupt("no member \"hashes\"");
  target.sha256 = std::move(*hash);
  return target;
}

// NAME of "releases/NAME/manifest.json".
std::optional<std::string> release_of(const std::string& target) {
  const std::string head = "releases/";
  const std::string tail = "/manifest.json";
  if (target.size() <= head.size() + tail.size() || target.substr(0, head.size()) != head ||
      target.substr(target.size() - tail.size()) != tail)
    return std::nullopt;
  auto name = target.substr(head.size(), target.size() - head.size() - tail.size());
  if (!is_safe_name(name)) return std::nullopt;
  return name;
}

Result<Root> read_root(const std::string& text) {
  Root root;
  CUBE_TRY(const Json body, parse_common(root, text, "root", max_metadata_bytes));
  CUBE_TRY(const Json consistent, body.member("consistent_snapshot"));
  CUBE_TRY(const bool is_consistent, consistent.boolean());
  if (!is_consistent) return corrupt("\"consistent_snapshot\" is not true");
  CUBE_TRY(root.keys, parse_keys(body));
  CUBE_TRY(const Json roles, body.member("roles"));
  for (const std::string name : top_roles) {
    CUBE_TRY(const Json json, roles.member(name));
    auto role = parse_role(json, root.keys);
    if (!role) return std::move(role).error().in("role " + name);
    root.roles.emplace(name, std::move(role).value());
  }
  return root;
}

Result<Timestamp> read_timestamp(const std::string& text) {
  Timestamp timestamp;
  CUBE_TRY(const Json body, parse_common(timestamp, text, "timestamp", max_metadata_bytes));
  CUBE_TRY(timestamp.snapshot, parse_meta_file(body, "snapshot.json"));
  return timestamp;
}

Result<Snapshot> read_snapshot(const std::string& text) {
  Snapshot snapshot;
  CUBE_TRY(const Json body, parse_common(snapshot, text, "snapshot", max_metadata_bytes));
  CUBE_TRY(snapshot.targets, parse_meta_file(body, "targets.json"));
  return snapshot;
}

Result<Targets> read_targets(const std::string& text) {
  Targets targets;
  CUBE_TRY(const Json body, parse_common(targets, text, "targets", max_targets_bytes));
  CUBE_TRY(const Json member, body.member("targets"));
  CUBE_TRY(const auto members, member.object());
  if (members.size() > max_targets) return corrupt("more than 4096 targets");
  for (const auto& [name, json] : members) {
    const auto release = release_of(name);
    if (!release) continue;
    auto target = parse_target(json);
    if (!target) return std::move(target).error().in(name);
    targets.releases.emplace(*release, std::move(target).value());
  }
  return targets;
}

template <typename T>
Result<T> named(Result<T> parsed, const char* name) {
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
Result<Targets> parse_targets(const std::string& text) {
  return named(read_targets(text), "targets.json");
}

Status check_signatures(const Metadata& document, const Root& root, const std::string& role) {
  const auto found = root.roles.find(role);
  if (found == root.roles.end()) return Error{Errc::untrusted, "no role " + role + " in the root"};
  const auto& allowed = found->second.key_ids;
  std::set<std::string> signers;
  for (const auto& signature : document.signatures) {
    if (std::find(allowed.begin(), allowed.end(), signature.key_id) == allowed.end()) continue;
    const auto named = root.keys.find(signature.key_id);
    if (named == root.keys.end()) continue;
    const auto& key = named->second;
    CUBE_TRY(const bool matches, signature_matches(key, document.covered, signature.bytes));
    if (matches) signers.insert(mutated("threshold-counts-ids") ? key.id : key.bytes);
  }
  if (signers.size() >= found->second.threshold) return ok();
  return Error{Errc::untrusted, "signed by " + std::to_string(signers.size()) + " of the " +
                                    std::to_string(found->second.threshold) + " keys that role " +
                                    role + " needs"};
}

}  // namespace cube
