#include "release/key_folder.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <set>

#include "base/durable_file.h"
#include "base/io.h"
#include "keys/key.h"
#include "model/name.h"
#include "release/token_key.h"

namespace cube {
namespace {

constexpr std::size_t max_public_bytes = 4096;
constexpr std::size_t max_files = 1000;
const std::string private_tail = ".pem";
const std::string token_tail = ".pkcs11";
const std::string public_tail = ".pub.json";

bool ends_with(const std::string& text, const std::string& tail) {
  return text.size() > tail.size() &&
         text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

}  // namespace

Result<KeyFolder> KeyFolder::make(const std::string& path, Passphrases* passphrases) {
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST)
    return system_error("make key folder " + path);
  return open(path, passphrases);
}

Result<KeyFolder> KeyFolder::open(const std::string& path, Passphrases* passphrases) {
  auto folder = RootDir::open(path);
  if (!folder && folder.error().code == Errc::not_found)
    return Error{Errc::untrusted, "key folder " + path +
                                      ": does not exist, so nothing can be signed; bring the keys "
                                      "or name their folder with --keys"};
  if (!folder) return std::move(folder).error().in("key folder " + path);
  return KeyFolder(std::move(folder).value(), passphrases);
}

Status KeyFolder::check_new(const std::string& name) const {
  if (!is_safe_name(name))
    return Error{Errc::invalid, "key name \"" + name +
                                    "\": letters, digits and ._+- only, at most 128, beginning "
                                    "with a letter or digit"};
  for (const auto& tail : {public_tail, private_tail, token_tail})
    if (folder_.exists(name + tail))
      return Error{Errc::refused, "key " + folder_.join(name + tail) +
                                      ": exists and is never overwritten; choose another name"};
  return ok();
}

Result<NamedKey> KeyFolder::add(const std::string& name, const PrivateKey& key,
                                bool protect) const {
  SecretText passphrase;
  if (protect) {
    if (passphrases_ == nullptr) return Error{Errc::bug, "key " + name + ": nobody to ask"};
    CUBE_TRY(passphrase, passphrases_->for_new(folder_.join(name + private_tail)));
  }
  CUBE_CHECK(key.store(folder_, name + private_tail, protect ? &passphrase : nullptr));
  return add_public(name, key.public_json());
}

Result<NamedKey> KeyFolder::add_public(const std::string& name, const Json& key) const {
  CUBE_CHECK(replace_file(folder_, name + public_tail, key.pretty()));
  return find(name);
}

Result<NamedKey> KeyFolder::generate(const std::string& name, bool protect, KeyType type) const {
  CUBE_CHECK(check_new(name));
  CUBE_TRY(const auto key, PrivateKey::generate(type));
  return add(name, key, protect);
}

Result<NamedKey> KeyFolder::find(const std::string& name) const {
  NamedKey found{name, "", Json(), folder_.exists(name + private_tail)};
  found.in_token = !found.has_private && folder_.exists(name + token_tail);
  found.has_private = found.has_private || found.in_token;
  const auto text = folder_.read_file(name + public_tail, max_public_bytes);
  if (text) {
    CUBE_TRY(found.public_json, Json::parse(*text));
    auto key = PublicKey::parse(found.public_json);
    if (!key) return std::move(key).error().in("key " + folder_.join(name + public_tail));
    found.id = key->id;
    return found;
  }
  if (text.error().code != Errc::not_found) return text.error();
  if (!found.has_private)
    return Error{Errc::not_found, "key " + name + ": not in " + path() +
                                      "; make it with cube-release key generate " + name};
  CUBE_TRY(const auto secret, private_part(found));
  found.public_json = secret.public_json();
  found.id = secret.id();
  return found;
}

Result<std::vector<NamedKey>> KeyFolder::list() const {
  CUBE_TRY(const auto files, folder_.list(".", max_files));
  std::set<std::string> names;
  for (const auto& file : files)
    for (const auto& tail : {private_tail, token_tail, public_tail})
      if (ends_with(file, tail) && is_safe_name(file))
        names.insert(file.substr(0, file.size() - tail.size()));
  std::vector<NamedKey> keys;
  for (const auto& name : names) {
    CUBE_TRY(auto key, find(name));
    keys.push_back(std::move(key));
  }
  return keys;
}

Result<PrivateKey> KeyFolder::private_part(const NamedKey& key) const {
  if (!key.in_token) return PrivateKey::load(folder_, key.name + private_tail, passphrases_);
  const std::string file = key.name + token_tail;
  CUBE_TRY(const auto fd, folder_.open_file(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  CUBE_CHECK(check_private_file(fd.get(), folder_.join(file)));
  CUBE_TRY(auto text, read_all(fd, max_public_bytes));
  if (!text.empty() && text.back() == '\n') text.pop_back();
  auto uri = TokenUri::parse(text);
  if (!uri) return Error{Errc::corrupt, "key " + folder_.join(file) + ": " + uri.error().what};
  return token_key(*uri, folder_.join(file), passphrases_);
}

Result<PrivateKey> KeyFolder::load(const NamedKey& key) const {
  CUBE_TRY(auto secret, private_part(key));
  if (secret.id() != key.id)
    return Error{Errc::corrupt,
                 "key " + folder_.join(key.name + (key.in_token ? token_tail : private_tail)) +
                     ": is not the private part of " + key.name + public_tail +
                     "; one of the two was exchanged"};
  return secret;
}

}  // namespace cube
