#include "release/signed_metadata.h"

#include <algorithm>

#include "base/digest.h"

namespace cube {
namespace {

constexpr const char* spec_version = "1.0.31";

Json body_of(const DocumentHead& head, Json::Object members) {
  members["_type"] = head.type;
  members["spec_version"] = spec_version;
  members["version"] = head.version;
  members["expires"] = format_utc(head.expires);
  return Json(std::move(members));
}

Json hashes(const std::string& sha256_hex) {
  return Json(Json::Object{{"sha256", sha256_hex}});
}

}  // namespace

Json root_body(const DocumentHead& head, const std::map<std::string, RoleKeys>& roles) {
  Json::Object keys;
  Json::Object described;
  for (const auto& [name, role] : roles) {
    Json::Array ids;
    for (const auto& key : role.keys) {
      keys[key.id] = key.public_json;
      ids.push_back(key.id);
    }
    described[name] = Json::Object{{"keyids", ids}, {"threshold", role.threshold}};
  }
  return body_of(head, {{"consistent_snapshot", true}, {"keys", keys}, {"roles", described}});
}

Result<Json::Object> signed_part(const std::string& text) {
  CUBE_TRY(const Json document, Json::parse(text, {max_targets_bytes, 16}));
  CUBE_TRY(const Json body, document.member("signed"));
  return body.object();
}

Json targets_body(const DocumentHead& head, Json::Object before, Json::Object targets) {
  before["targets"] = std::move(targets);
  return body_of(head, std::move(before));
}

Json target_file(const std::string& content) {
  return Json(Json::Object{{"length", std::uint64_t{content.size()}},
                           {"hashes", hashes(to_hex(sha256(content)))}});
}

Result<Json> meta_body(const DocumentHead& head, Json::Object before, const std::string& described,
                       std::uint64_t version, const std::string& text) {
  Json::Object meta;
  if (const auto found = before.find("meta"); found != before.end()) {
    CUBE_TRY(meta, found->second.object());
  }
  const Json file(Json::Object{{"version", version},
                               {"length", std::uint64_t{text.size()}},
                               {"hashes", hashes(to_hex(sha256(text)))}});
  meta[described + ".json"] = file;
  before["meta"] = std::move(meta);
  return body_of(head, std::move(before));
}

Result<std::vector<PrivateKey>> signers_of(const KeyFolder& keys, const Root& root,
                                           const std::string& role) {
  return signers_among(keys, root.roles.at(role).key_ids);
}

Result<std::vector<PrivateKey>> signers_among(const KeyFolder& keys,
                                              const std::vector<std::string>& ids) {
  CUBE_TRY(const auto named, keys.list());
  std::vector<PrivateKey> signers;
  for (const auto& key : named) {
    const bool known = std::any_of(signers.begin(), signers.end(),
                                   [&](const PrivateKey& other) { return other.id() == key.id; });
    if (known || !key.has_private || std::find(ids.begin(), ids.end(), key.id) == ids.end())
      continue;
    CUBE_TRY(auto secret, keys.load(key));
    signers.push_back(std::move(secret));
  }
  return signers;
}

Result<std::string> sign_with(const Json& body, const std::vector<PrivateKey>& signers) {
  const std::string covered = body.canonical();
  Json::Array signatures;
  for (const auto& key : signers) {
    CUBE_TRY(const auto bytes, key.sign(covered));
    signatures.push_back(
        Json::Object{{"keyid", key.id()}, {"sig", to_hex(bytes.data(), bytes.size())}});
  }
  return Json(Json::Object{{"signed", body}, {"signatures", signatures}}).pretty();
}

Result<std::string> sign_document(const Json& body, const KeyFolder& keys, const Root& root,
                                  const std::string& role) {
  CUBE_TRY(const auto signers, signers_of(keys, root, role));
  const auto threshold = root.roles.at(role).threshold;
  if (signers.size() < threshold)
    return Error{Errc::untrusted, "role " + role + ": needs " + std::to_string(threshold) +
                                      " of its private keys, " + std::to_string(signers.size()) +
                                      " are in " + keys.path() +
                                      "; bring them or name another folder with --keys"};
  return sign_with(body, signers);
}

}  // namespace cube
