#include "tests/support/tuf_signer.h"

#include <openssl/evp.h>

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
  for (const std::string name : {"root", "timestamp", "snapshot", "targets"})
    roles_[name].keys = {SigningKey(name)};
}

std::string TufSigner::document(const std::string& type, Json::Object body) const {
  const Role& role = roles_.at(type);
  body["_type"] = type;
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

Json TufSigner::meta(const std::string& type, const std::string& text) const {
  return Json::Object{
      {type + ".json", Json::Object{{"version", roles_.at(type).version},
                                    {"length", std::uint64_t{text.size()}},
                                    {"hashes", Json::Object{{"sha256", to_hex(sha256(text))}}}}}};
}

void TufSigner::write(const std::string& path, const std::string& text) const {
  const std::filesystem::path whole = folder_ + "/" + path;
  std::filesystem::create_directories(whole.parent_path());
  std::ofstream(whole, std::ios::binary) << text;
}

std::string TufSigner::root_text() const {
  Json::Object keys;
  Json::Object roles;
  for (const auto& [name, role] : roles_) {
    Json::Array ids;
    for (const auto& key : role.keys) {
      keys[key.id()] = key.object();
      ids.push_back(key.id());
    }
    roles[name] = Json::Object{{"keyids", ids}, {"threshold", role.threshold}};
  }
  return document("root", {{"consistent_snapshot", true}, {"keys", keys}, {"roles", roles}});
}

void TufSigner::publish() const {
  Json::Object files;
  for (const auto& [name, manifest] : manifests_) {
    const auto hash = to_hex(sha256(manifest));
    files["releases/" + name + "/manifest.json"] = Json::Object{
        {"length", std::uint64_t{manifest.size()}}, {"hashes", Json::Object{{"sha256", hash}}}};
    write("targets/releases/" + name + "/" + hash + ".manifest.json", manifest);
  }
  const auto number = [&](const std::string& name) {
    return "metadata/" + std::to_string(roles_.at(name).version) + "." + name + ".json";
  };
  const auto targets = document("targets", {{"targets", files}});
  const auto snapshot = document("snapshot", {{"meta", meta("targets", targets)}});
  write(number("root"), root_text());
  write(number("targets"), targets);
  write(number("snapshot"), snapshot);
  write("metadata/timestamp.json", document("timestamp", {{"meta", meta("snapshot", snapshot)}}));
}

void TufSigner::publish_again() {
  for (const std::string name : {"timestamp", "snapshot", "targets"}) ++roles_.at(name).version;
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
