#include "keys/metadata_parts.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "base/file_url.h"
#include "base/json.h"

namespace cube {
namespace {

constexpr std::size_t max_depth = 16;
constexpr std::size_t max_keys = 64;
constexpr std::size_t max_signatures = 16;
constexpr std::size_t max_key_id = 256;
constexpr std::size_t max_delegated = 64;
constexpr std::size_t max_patterns = 256;  // of all delegations of a document
constexpr std::size_t max_entries = 256;
constexpr std::size_t max_path = 1024;
constexpr std::size_t max_role_name = 80;  // three times that, and ".json", is still a file name
constexpr std::size_t sha512_digits = 128;
constexpr std::uint64_t max_version = (std::uint64_t{1} << 53) - 1;

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

Result<std::uint64_t> version_of(const Json& json) {
  CUBE_TRY(const auto version, json.unsigned_at("version"));
  if (version < 1 || version > max_version) return corrupt("\"version\" is out of range");
  return version;
}

bool is_key_id(const std::string& id) {
  return !id.empty() && id.size() <= max_key_id;
}

// What is not hex is no signature, and so not worth more than a wrong one.
Result<Signature> parse_signature(const Json& json) {
  Signature signature;
  CUBE_TRY(signature.key_id, json.string_at("keyid"));
  CUBE_TRY(const std::string hex, json.string_at("sig"));
  if (!is_key_id(signature.key_id)) return corrupt("\"keyid\" has no byte, or more than 256");
  if (auto bytes = from_hex(hex)) signature.bytes = std::move(bytes).value();
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

bool is_lower_hex(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<std::vector<std::string>> strings_at(const Json& json, const std::string& member) {
  CUBE_TRY(const Json found, json.member(member));
  CUBE_TRY(const auto items, found.array());
  if (items.size() > max_entries) return corrupt("more than 256 entries in \"" + member + "\"");
  std::vector<std::string> strings;
  for (const auto& item : items) {
    CUBE_TRY(std::string text, item.string());
    if (text.size() > max_path)
      return corrupt("an entry of more than 1024 bytes in \"" + member + "\"");
    strings.push_back(std::move(text));
  }
  return strings;
}

// At least one of the two known kinds of hash; others are not looked at.
Status parse_hashes(MetaFile& into, const Json& hashes) {
  if (hashes.has("sha256")) {
    CUBE_TRY(into.sha256, hashes.string_at("sha256"));
    if (!is_sha256_hex(*into.sha256)) return corrupt("\"sha256\" is not 64 hex digits");
  }
  if (hashes.has("sha512")) {
    CUBE_TRY(into.sha512, hashes.string_at("sha512"));
    if (into.sha512->size() != sha512_digits || !is_lower_hex(*into.sha512))
      return corrupt("\"sha512\" is not 128 hex digits");
  }
  if (!into.sha256 && !into.sha512) return corrupt("\"hashes\" has neither sha256 nor sha512");
  return ok();
}

Result<DelegatedRole> parse_delegated_role(const Json& json, const Json& keys) {
  DelegatedRole role;
  CUBE_TRY(role.name, json.string_at("name"));
  CUBE_CHECK(check_role_name(role.name));
  CUBE_CHECK(parse_role(role, json, keys));
  if (json.has("terminating")) {
    CUBE_TRY(const Json terminating, json.member("terminating"));
    CUBE_TRY(role.terminating, terminating.boolean());
  }
  if (json.has("paths") == json.has("path_hash_prefixes"))
    return corrupt("not exactly one of \"paths\" and \"path_hash_prefixes\"");
  if (json.has("paths")) {
    CUBE_TRY(role.paths, strings_at(json, "paths"));
  } else {
    CUBE_TRY(role.path_hash_prefixes, strings_at(json, "path_hash_prefixes"));
  }
  for (const auto& prefix : role.path_hash_prefixes)
    if (!is_lower_hex(prefix)) return corrupt("a prefix in \"path_hash_prefixes\" is not hex");
  return role;
}

}  // namespace

Result<Json> parse_head(Metadata& into, const std::string& text, const std::string& type,
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

Result<Keys> parse_keys(const Json& json) {
  CUBE_TRY(const auto members, json.object());
  if (members.size() > max_keys) return corrupt("more than 64 keys");
  Keys keys;
  for (const auto& [id, member] : members) {
    if (!is_key_id(id)) return corrupt("a key id has no byte, or more than 256");
    auto key = PublicKey::parse(member);
    if (key)
      keys.emplace(id, std::move(key).value());
    else if (key.error().code != Errc::untrusted)
      return std::move(key).error().in("key " + percent_encoded(id));
  }
  return keys;
}

Status parse_role(Role& into, const Json& json, const Json& keys) {
  CUBE_TRY(into.threshold, json.unsigned_at("threshold"));
  if (into.threshold < 1 || into.threshold > max_keys)
    return corrupt("\"threshold\" is out of range");
  CUBE_TRY(into.key_ids, strings_at(json, "keyids"));
  std::set<std::string> seen;
  for (const auto& id : into.key_ids) {
    if (!keys.has(id)) return corrupt("a key id without a key");
    if (!seen.insert(id).second) return corrupt("key " + percent_encoded(id) + " is listed twice");
  }
  return ok();
}

Result<MetaFile> parse_meta_file(const Json& json) {
  MetaFile file;
  CUBE_TRY(file.version, version_of(json));
  if (json.has("length")) {
    CUBE_TRY(file.length, json.unsigned_at("length"));
  }
  if (json.has("hashes")) {
    CUBE_TRY(const Json hashes, json.member("hashes"));
    CUBE_CHECK(parse_hashes(file, hashes));
  }
  return file;
}

Result<TargetFile> parse_target_file(const Json& json) {
  TargetFile target;
  CUBE_TRY(target.length, json.unsigned_at("length"));
  CUBE_TRY(const Json hashes, json.member("hashes"));
  MetaFile file;
  CUBE_CHECK(parse_hashes(file, hashes));
  target.sha256 = file.sha256.value_or("");
  target.sha512 = file.sha512.value_or("");
  return target;
}

Status parse_delegations(Targets& into, const Json& json) {
  CUBE_TRY(const Json keys, json.member("keys"));
  CUBE_TRY(into.keys, parse_keys(keys));
  CUBE_TRY(const Json roles, json.member("roles"));
  CUBE_TRY(const auto items, roles.array());
  if (items.size() > max_delegated) return corrupt("more than 64 delegated roles");
  std::set<std::string> seen;
  std::size_t patterns = 0;
  for (const auto& item : items) {
    CUBE_TRY(auto role, parse_delegated_role(item, keys));
    patterns += role.paths.size() + role.path_hash_prefixes.size();
    if (patterns > max_patterns) return corrupt("more than 256 patterns and prefixes");
    if (!seen.insert(role.name).second) return corrupt("a role is delegated to twice");
    into.delegated.push_back(std::move(role));
  }
  return ok();
}

Status check_role_name(const std::string& name) {
  if (name.empty() || name.size() > max_role_name)
    return corrupt("the name of a role has no byte, or more than 80");
  for (const auto* taken : {"root", "timestamp", "snapshot", "targets"})
    if (name == taken) return corrupt("a delegated role has the name of a top role");
  return ok();
}

}  // namespace cube
