// Publisher::init: keys, the first root, empty folders.
#include "release/publisher.h"
#include "slots/ostree/compose/compose.h"

namespace cube {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;
constexpr std::uint64_t max_root_keys = 16;

Result<std::uint64_t> root_threshold(const InitOptions& options) {
  if (options.root_keys < 1 || options.root_keys > max_root_keys)
    return Error{Errc::invalid, "number of root keys: must be from 1 to 16"};
  const auto threshold = options.root_threshold.value_or(options.root_keys / 2 + 1);
  if (threshold < 1 || threshold > options.root_keys)
    return Error{Errc::invalid, "root threshold: must be from 1 to the number of root keys, " +
                                    std::to_string(options.root_keys)};
  return threshold;
}

Result<NamedKey> find_or_generate(const KeyFolder& keys, const std::string& name, bool protect) {
  auto found = keys.find(name);
  if (found || found.error().code != Errc::not_found) return found;
  return keys.generate(name, protect);
}

Result<std::map<std::string, RoleKeys>> role_keys(const KeyFolder& keys, const InitOptions& options,
                                                  std::uint64_t threshold) {
  std::map<std::string, RoleKeys> roles;
  for (const std::string role : {"targets", "snapshot", "timestamp"}) {
    CUBE_TRY(auto key, find_or_generate(keys, role, options.protect));
    roles[role].keys.push_back(std::move(key));
  }
  roles["root"].threshold = threshold;
  for (std::uint64_t number = 1; number <= options.root_keys; ++number) {
    CUBE_TRY(auto key, find_or_generate(keys, "root-" + std::to_string(number), options.protect));
    roles["root"].keys.push_back(std::move(key));
  }
  return roles;
}

// The first root is signed by all its keys.
Result<std::string> first_root(const KeyFolder& keys, const std::map<std::string, RoleKeys>& roles,
                               UnixSeconds expires) {
  std::vector<PrivateKey> signers;
  for (const auto& key : roles.at("root").keys) {
    CUBE_TRY(auto secret, keys.load(key));
    signers.push_back(std::move(secret));
  }
  CUBE_TRY(auto text, sign_with(root_body({"root", 1, expires}, roles), signers));
  CUBE_TRY(const auto root, parse_root(text));
  CUBE_CHECK(check_signatures(root, root, "root"));
  return text;
}

}  // namespace

Result<Publisher> Publisher::init(const std::string& path, const InitOptions& options,
                                  UnixSeconds now) {
  CUBE_CHECK(check_product(options.settings.product));
  CUBE_TRY(const auto threshold, root_threshold(options));
  if (is_repository(path))
    return Error{Errc::refused,
                 "folder " + path + ": is a repository already; name another folder"};
  CUBE_TRY(auto repository, ReleaseRepository::create(path));
  CUBE_CHECK(repository.folder().make_dirs("publisher/pending"));
  CUBE_CHECK(write_settings(repository.folder(), options.settings));
  CUBE_TRY(const auto objects, ArchiveRepository::create(repository.object_path()));
  const std::string keys_path =
      options.settings.keys.empty() ? path + ".keys" : options.settings.keys;
  CUBE_TRY(const auto keys, KeyFolder::make(keys_path, options.passphrases));
  CUBE_TRY(const auto roles, role_keys(keys, options, threshold));
  const auto expires = now + static_cast<UnixSeconds>(options.settings.lifetimes.root) * day;
  CUBE_TRY(const auto text, first_root(keys, roles, expires));
  CUBE_CHECK(repository.put_metadata("root", 1, text));
  return Publisher(std::move(repository), options.settings, keys_path, options.passphrases);
}

}  // namespace cube
