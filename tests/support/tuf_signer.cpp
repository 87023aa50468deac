#include "tests/support/tuf_signer.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>

#include "base/digest.h"
#include "keys/key.h"

namespace cube {
namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

Key private_key(const std::string& name) {
  const Sha256 seed = sha256("test key " + name);
  Key key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()),
          &EVP_PKEY_free);
  if (!key) throw std::runtime_error("no ed25519 key");
  return key;
}

constexpr std::array<const char*, 4> top_roles{"root", "timestamp", "snapshot", "targets"};

// The members "keys" and "roles" get the keys of one role, and the role.
Json role_entry(const TufSigner::Role& role, Json::Object& keys) {
  Json::Array ids;
  for (const auto& key : role.keys) {
    keys[key.id()] = key.object();
    ids.push_back(key.id());
  }
  return Json::Object{{"keyids", ids}, {"threshold", role.threshold}};
}

}  // namespace

SigningKey::SigningKey(std::string name, std::string note)
    : name_(std::move(name)), note_(std::move(note)) {}

Json SigningKey::object() const {
  std::array<unsigned char, 32> bytes{};
  std::size_t size = bytes.size();
  if (EVP_PKEY_get_raw_public_key(private_key(name_).get(), bytes.data(), &size) != 1)
    throw std::runtime_error("no public key");
  Json::Object key{{"keytype", "ed25519"},
                   {"scheme", "ed25519"},
                   {"keyval", Json::Object{{"public", to_hex(bytes.data(), size)}}}};
  if (!note_.empty()) key["note"] = note_;
  return key;
}

std::string SigningKey::id() const {
  return key_id(object());
}

std::string SigningKey::sign(std::string_view message) const {
  const auto key = private_key(name_);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(),
                                                                        &EVP_MD_CTX_free);
  std::string signature(64, '\0');
  std::size_t size = signature.size();
  if (EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size,
                     reinterpret_cast<const unsigned char*>(message.data()), message.size()) != 1)
    throw std::runtime_error("cannot sign");
  return signature;
}

TufSigner::TufSigner(std::string folder) : folder_(std::move(folder)) {
  for (const std::string name : top_roles) roles_[name].keys = {SigningKey(name)};
}

void TufSigner::delegate(const std::string& role, const std::vector<std::string>& paths) {
  roles_[role].keys = {SigningKey(role)};
  delegated_.emplace_back(role, Json::Array(paths.begin(), paths.end()));
}

std::string TufSigner::document(const std::string& name, Json::Object body) const {
  const Role& role = roles_.at(name);
  const bool is_top = std::find(top_roles.begin(), top_roles.end(), name) != top_roles.end();
  body["_type"] = is_top ? name : "targets";
  body["spec_version"] = "1.0.31";
  body["version"] = role.version;
  body["expires"] = role.expires;
  if (role.edit) role.edit(body);
  const Json covered(std::move(body));
  Json::Array signatures;
  for (const auto& signer : role.signers.empty() ? role.keys : role.signers) {
    const auto signature = signer.sign(covered.canonical());
    signatures.push_back(
        Json::Object{{"keyid", signer.id()}, {"sig", to_hex(signature.data(), signature.size())}});
  }
  auto text = Json(Json::Object{{"signed", covered}, {"signatures", signatures}}).pretty();
  if (role.spoil) role.spoil(text);
  return text;
}

Json TufSigner::described(const std::string& role, const std::string& text) const {
  return Json::Object{{"version", roles_.at(role).version},
                      {"length", std::uint64_t{text.size()}},
                      {"hashes", Json::Object{{"sha256", to_hex(sha256(text))}}}};
}

Json TufSigner::files_of(const std::string& role) const {
  Json::Object files;
  const auto add = [&](const std::string& path, const std::string& content) {
    files[path] = Json::Object{{"length", std::uint64_t{content.size()}},
                               {"hashes", Json::Object{{"sha256", to_hex(sha256(content))}}}};
  };
  for (const auto& [name, release] : releases_) {
    if (release.by != role) continue;
    const auto folder = "releases/" + name + "/";
    add(folder + "manifest.json", release.manifest);
    for (const auto& [file, content] : release.files) add(folder + file, content);
  }
  for (const auto& [path, document] : documents_)
    if (document.second == role) add(path, document.first);
  return files;
}

Json TufSigner::delegations() const {
  Json::Object keys;
  Json::Array entries;
  for (const auto& [name, paths] : delegated_) {
    auto entry = role_entry(roles_.at(name), keys).object().value();
    entry["name"] = name;
    entry["paths"] = paths;
    entry["terminating"] = false;
    entries.emplace_back(std::move(entry));
  }
  return Json::Object{{"keys", keys}, {"roles", entries}};
}

void TufSigner::write(const std::string& path, const std::string& text) const {
  const std::filesystem::path whole = folder_ + "/" + path;
  std::filesystem::create_directories(whole.parent_path());
  std::ofstream(whole, std::ios::binary) << text;
}

std::string TufSigner::root_text() const {
  Json::Object keys;
  Json::Object roles;
  for (const std::string name : top_roles) roles[name] = role_entry(roles_.at(name), keys);
  return document("root", {{"consistent_snapshot", true}, {"keys", keys}, {"roles", roles}});
}

void TufSigner::publish() const {
  for (const auto& [name, release] : releases_) {
    const auto folder = "targets/releases/" + name + "/";
    write(folder + to_hex(sha256(release.manifest)) + ".manifest.json", release.manifest);
    for (const auto& [file, content] : release.files)
      write(folder + to_hex(sha256(content)) + "." + file, content);
  }
  for (const auto& [path, document] : documents_) {
    const auto at = path.rfind('/') + 1;
    write("targets/" + path.substr(0, at) + to_hex(sha256(document.first)) + "." + path.substr(at),
          document.first);
  }
  const auto number = [&](const std::string& name) {
    return "metadata/" + std::to_string(roles_.at(name).version) + "." + name + ".json";
  };
  Json::Object meta;
  const auto write_targets = [&](const std::string& role, Json::Object body) {
    body["targets"] = files_of(role);
    const auto text = document(role, std::move(body));
    meta[role + ".json"] = described(role, text);
    write(number(role), text);
  };
  for (const auto& [role, paths] : delegated_) write_targets(role, {});
  write_targets("targets",
                delegated_.empty() ? Json::Object{} : Json::Object{{"delegations", delegations()}});
  const auto snapshot = document("snapshot", {{"meta", meta}});
  write(number("root"), root_text());
  write(number("snapshot"), snapshot);
  const Json::Object newest{{"snapshot.json", described("snapshot", snapshot)}};
  write("metadata/timestamp.json", document("timestamp", {{"meta", newest}}));
}

void TufSigner::publish_again() {
  for (auto& [name, role] : roles_)
    if (name != "root") ++role.version;
  publish();
}

void TufSigner::bake_root(const std::string& folder) const {
  const std::filesystem::path path = folder + "/usr/share/cube-update/root.json";
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << root_text();
  using std::filesystem::perms;
  std::filesystem::permissions(
      path, perms::owner_read | perms::owner_write | perms::group_read | perms::others_read);
}

}  // namespace cube
