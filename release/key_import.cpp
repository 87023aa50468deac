// KeyFolder::import: keys that were made elsewhere.
#include <fcntl.h>

#include <filesystem>

#include "base/durable_file.h"
#include "base/io.h"
#include "keys/signature.h"
#include "release/key_folder.h"
#include "release/public_part.h"
#include "release/token_key.h"

namespace cube {
namespace {

constexpr std::size_t max_key_bytes = 16 * 1024;
constexpr std::string_view trial = "cube-release: a trial of a key, no document";

// Of a private key, only when nobody but its owner can read the file.
Result<SecretText> read_key_file(const std::string& path) {
  const std::filesystem::path file = path;
  CUBE_TRY(const auto folder, RootDir::open(file.has_parent_path() ? file.parent_path() : "."));
  auto fd = folder.open_file(file.filename(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
  if (!fd && fd.error().code == Errc::not_found)
    return Error{Errc::invalid, "key " + path + ": there is no such file"};
  if (!fd) return std::move(fd).error();
  auto content = read_all(*fd, max_key_bytes);
  if (!content) return std::move(content).error();
  SecretText text(std::move(content).value());
  if (text.text().find("PRIVATE KEY-----") != std::string::npos)
    CUBE_CHECK(check_private_file(fd->get(), path));
  return text;
}

Status check_it_signs(const PrivateKey& key) {
  CUBE_TRY(const auto part, PublicKey::parse(key.public_json()));
  CUBE_TRY(const auto signature, key.sign(trial));
  CUBE_TRY(const bool matches, signature_matches(part, trial, signature));
  if (matches) return ok();
  return Error{Errc::refused, "its signature does not fit its own public part"};
}

Result<Json> public_part_in(const std::string& text) {
  if (text.find_first_not_of(" \n\t") == std::string::npos ||
      text[text.find_first_not_of(" \n\t")] != '{')
    return public_part_of_pem(text);
  CUBE_TRY(auto json, Json::parse(text));
  CUBE_TRY(const auto checked, PublicKey::parse(json));
  return json;
}

// Errors that say what is wrong with a key that a folder does not have yet.
Error not_taken(Error error, const std::string& source) {
  if (error.code == Errc::corrupt) error.code = Errc::refused;
  if (error.what.find(source) == std::string::npos) return std::move(error).in("key " + source);
  return error;
}

}  // namespace

Result<NamedKey> KeyFolder::add_token(const std::string& name, const std::string& uri) const {
  CUBE_TRY(const auto parsed, TokenUri::parse(uri));
  auto key = token_key(parsed, name, passphrases_);
  if (!key) return not_taken(std::move(key).error(), name);
  auto signs = check_it_signs(*key);
  if (!signs) return not_taken(std::move(signs).error(), name);
  CUBE_CHECK(replace_file(folder_, name + ".pkcs11", uri + "\n", 0600));
  return add_public(name, key->public_json());
}

Result<NamedKey> KeyFolder::import(const std::string& source, const std::string& name,
                                   bool protect) const {
  CUBE_CHECK(check_new(name));
  if (is_token_uri(source)) return add_token(name, source);
  const auto read = read_key_file(source);
  if (!read) return not_taken(read.error(), source);
  const auto& text = *read;
  if (text.text().find("PRIVATE KEY-----") == std::string::npos) {
    auto part = public_part_in(text.text());
    if (!part) return not_taken(std::move(part).error(), source);
    return add_public(name, *part);
  }
  auto key = PrivateKey::from_pem(text, source, passphrases_);
  if (!key) return not_taken(std::move(key).error(), source);
  auto signs = check_it_signs(*key);
  if (!signs) return not_taken(std::move(signs).error(), source);
  return add(name, *key, protect);
}

}  // namespace cube
