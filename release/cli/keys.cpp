// cube-release init, key generate, key import, key list.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

// The roles for which the newest root names the key.
Json::Array roles_of(const std::string& id, const Root& root) {
  Json::Array roles;
  for (const auto& [name, role] : root.roles)
    if (std::find(role.key_ids.begin(), role.key_ids.end(), id) != role.key_ids.end())
      roles.push_back(name);
  return roles;
}

Json key_json(const NamedKey& key, const Root* root) {
  return Json(Json::Object{{"name", key.name},
                           {"id", key.id},
                           {"private", key.has_private},
                           {"token", key.in_token},
                           {"roles", root != nullptr ? roles_of(key.id, *root) : Json::Array()}});
}

std::string roles_text(const NamedKey& key, const Root* root) {
  std::string text;
  if (root != nullptr)
    for (const auto& [name, role] : root->roles)
      if (std::find(role.key_ids.begin(), role.key_ids.end(), key.id) != role.key_ids.end())
        text += (text.empty() ? "" : ",") + name;
  return text.empty() ? "-" : text;
}

std::string held(const NamedKey& key) {
  if (key.in_token) return "private part in a token";
  return key.has_private ? "private part here" : "private part elsewhere";
}

int tell_new(const Common& common, const NamedKey& key, const std::string& path) {
  if (common.json)
    fmt::print("{}\n", key_json(key, nullptr).line());
  else
    fmt::print("Key {} ({}) in {}, {}\n", key.name, key.id, path, held(key));
  return exit_done;
}

Result<KeyType> key_type(const std::string& name) {
  if (name == "ed25519") return KeyType::ed25519;
  if (name == "ecdsa") return KeyType::ecdsa;
  if (name == "rsa") return KeyType::rsa;
  return Error{Errc::invalid, "key type \"" + name + "\": is none of ed25519, ecdsa and rsa"};
}

}  // namespace

Result<std::string> key_folder(const Common& common) {
  if (!common.keys.empty()) return absolute_folder(common.keys);
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  auto publisher = Publisher::open(path);
  if (!publisher)
    return Error{Errc::invalid, "key folder: not named, and " + path +
                                    " is no repository; name it with --keys DIR"};
  return publisher->keys_path();
}

Result<int> init(const Common& common, const InitCommand& command) {
  CUBE_TRY(const auto path, absolute_folder(command.folder));
  InitOptions options;
  options.settings.product = command.product;
  options.root_keys = command.root_keys;
  options.root_threshold = command.root_threshold;
  options.protect = command.protect;
  options.passphrases = common.passphrases;
  if (!common.keys.empty()) {
    CUBE_TRY(options.settings.keys, absolute_folder(common.keys));
  }
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto publisher, Publisher::init(path, options, now));
  const std::string trusted_root = path + "/metadata/1.root.json";
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"repository", path},
                                         {"product", command.product},
                                         {"keys", publisher.keys_path()},
                                         {"trusted_root", trusted_root}})
                           .line());
    return exit_done;
  }
  fmt::print(
      "Repository of {} in {}\n"
      "Keys in {}: keep a copy. Keys in one folder are one key: give each root-*.pem to a holder "
      "of its own, away from any network.\n"
      "Bake this file into every image as /usr/share/cube-update/root.json:\n  {}\n",
      command.product, path, publisher.keys_path(), trusted_root);
  return exit_done;
}

Result<int> key_generate(const Common& common, const KeyCommand& command) {
  CUBE_TRY(const auto type, key_type(command.type));
  CUBE_TRY(const auto path, key_folder(common));
  CUBE_TRY(const auto keys, KeyFolder::make(path, common.passphrases));
  CUBE_TRY(const auto key, keys.generate(command.name, command.protect, type));
  return tell_new(common, key, path);
}

Result<int> key_import(const Common& common, const KeyCommand& command) {
  CUBE_TRY(const auto path, key_folder(common));
  CUBE_TRY(const auto keys, KeyFolder::make(path, common.passphrases));
  CUBE_TRY(const auto key, keys.import(command.source, command.name, command.protect));
  return tell_new(common, key, path);
}

Result<int> key_list(const Common& common) {
  CUBE_TRY(const auto path, key_folder(common));
  CUBE_TRY(const auto keys, KeyFolder::open(path, common.passphrases));
  CUBE_TRY(const auto named, keys.list());
  std::vector<Root> roots;
  CUBE_TRY(const auto folder, absolute_folder(common.repository));
  if (is_repository(folder)) {
    CUBE_TRY(const auto repository, ReleaseRepository::open(folder));
    CUBE_TRY(roots, repository.roots());
  }
  const Root* root = roots.empty() ? nullptr : &roots.back();
  if (common.json) {
    Json::Array rows;
    for (const auto& key : named) rows.push_back(key_json(key, root));
    fmt::print("{}\n", Json(Json::Object{{"folder", path}, {"keys", rows}}).line());
    return exit_done;
  }
  for (const auto& key : named)
    fmt::print("{:<16} {:<20} {}  {}\n", key.name, roles_text(key, root), key.id, held(key));
  return exit_done;
}

}  // namespace cube::publish_cli
