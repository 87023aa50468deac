#include "release/key_rotation.h"

#include <algorithm>
#include <cctype>
#include <set>

namespace cube {
namespace {

bool lists(const Role& role, const std::string& id) {
  return std::find(role.key_ids.begin(), role.key_ids.end(), id) != role.key_ids.end();
}

// "root-2" is one of the keys "root".
std::string stem_of(const std::string& name) {
  const auto dash = name.find_last_of('-');
  if (dash == std::string::npos || dash == 0 || dash + 1 == name.size()) return name;
  const bool number = std::all_of(name.begin() + static_cast<std::ptrdiff_t>(dash) + 1, name.end(),
                                  [](unsigned char c) { return std::isdigit(c) != 0; });
  return number ? name.substr(0, dash) : name;
}

Result<std::string> free_name(const std::string& stem, const KeyFolder& keys) {
  CUBE_TRY(const auto named, keys.list());
  for (std::uint64_t number = 2;; ++number) {
    auto name = stem + "-" + std::to_string(number);
    const bool taken = std::any_of(named.begin(), named.end(),
                                   [&](const NamedKey& key) { return key.name == name; });
    if (!taken) return name;
  }
}

// The name by which the folder knows the key; its id when it does not.
Result<std::string> name_of(const std::string& id, const KeyFolder& keys) {
  CUBE_TRY(const auto named, keys.list());
  const auto found =
      std::find_if(named.begin(), named.end(), [&](const NamedKey& key) { return key.id == id; });
  return found == named.end() ? id : found->name;
}

Result<std::string> old_key_of(const Role& role, const std::string& name, const std::string& wished,
                               const KeyFolder& keys) {
  if (!wished.empty()) {
    CUBE_TRY(const auto id, id_of_key(wished, role, keys));
    if (lists(role, id)) return wished;
    return Error{Errc::invalid, "key " + wished + ": is none of role " + name};
  }
  if (role.key_ids.size() == 1) return name_of(role.key_ids.front(), keys);
  return Error{Errc::invalid, "role " + name + ": has " + std::to_string(role.key_ids.size()) +
                                  " keys; say which one is replaced with --replace NAME"};
}

// The different keys of a role that are left without `bytes`.
std::size_t left_without(const std::string& bytes, const Role& role, const Keys& keys) {
  std::set<std::string> left;
  for (const auto& id : role.key_ids)
    if (const auto key = keys.find(id); key != keys.end() && key->second.bytes != bytes)
      left.insert(key->second.bytes);
  return left.size();
}

}  // namespace

Result<Rotation> rotation_of(const Root& root, const std::string& role, const Rotation& wished,
                             const KeyFolder& keys) {
  const auto found = root.roles.find(role);
  if (found == root.roles.end())
    return Error{Errc::invalid,
                 "role \"" + role + "\": is none of root, targets, snapshot and timestamp"};
  Rotation rotation = wished;
  CUBE_TRY(rotation.old_key, old_key_of(found->second, role, wished.old_key, keys));
  if (rotation.new_key.empty()) {
    const bool unnamed = root.keys.count(rotation.old_key) != 0;
    CUBE_TRY(rotation.new_key, free_name(unnamed ? role : stem_of(rotation.old_key), keys));
    return rotation;
  }
  const auto key = keys.find(rotation.new_key);
  if (key && lists(found->second, key->id))
    return Error{Errc::invalid, "key " + rotation.new_key + ": is one of role " + role +
                                    " already; take it out with cube-release key revoke"};
  if (!key && key.error().code != Errc::not_found) return key.error();
  return rotation;
}

Result<RootChange> revocation_of(const Root& root, const std::string& key, const KeyFolder& keys) {
  std::string id = key;
  if (root.keys.count(key) == 0) {
    CUBE_TRY(const auto named, keys.find(key));
    id = named.id;
  }
  const auto listed = root.keys.find(id);
  RootChange change;
  for (const auto& [name, role] : root.roles) {
    if (listed == root.keys.end()) break;
    for (const auto& each : role.key_ids)
      if (const auto same = root.keys.find(each);
          same != root.keys.end() && same->second.bytes == listed->second.bytes)
        change.remove.push_back({name, each});
    const auto left = left_without(listed->second.bytes, role, root.keys);
    if (left < role.threshold && !change.remove.empty() && change.remove.back().role == name)
      return Error{Errc::refused, "key " + key + ": role " + name + " would have " +
                                      std::to_string(left) + " keys for a threshold of " +
                                      std::to_string(role.threshold) +
                                      "; put another in its place with cube-release key rotate " +
                                      name + " --replace " + key};
  }
  if (change.remove.empty())
    return Error{Errc::nothing_to_do, "key " + key + ": is in no role of root version " +
                                          std::to_string(root.version) +
                                          ", so nothing it signs "
                                          "counts"};
  return change;
}

}  // namespace cube
