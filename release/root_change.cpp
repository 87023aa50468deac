#include "release/root_change.h"

#include <algorithm>
#include <set>

#include "base/digest.h"
#include "release/draft.h"
#include "release/signed_metadata.h"

namespace cube {
namespace {

struct Draft {
  std::map<std::string, Json> known;  // key objects by id
  std::map<std::string, Role> roles;
};

Result<Role*> role_of(Draft& draft, const std::string& name) {
  const auto found = draft.roles.find(name);
  if (found != draft.roles.end()) return &found->second;
  return Error{Errc::invalid,
               "role \"" + name + "\": is none of root, targets, snapshot and timestamp"};
}

Result<Draft> draft_of(const Root& root) {
  CUBE_TRY(auto body, signed_part(root.text));
  CUBE_TRY(auto known, body["keys"].object());
  return Draft{std::move(known), root.roles};
}

Status add_key(Draft& draft, const KeyOfRole& added, const KeyFolder& keys) {
  CUBE_TRY(Role* const role, role_of(draft, added.role));
  CUBE_TRY(const auto key, keys.find(added.key));
  if (std::find(role->key_ids.begin(), role->key_ids.end(), key.id) != role->key_ids.end())
    return Error{Errc::invalid, "key " + added.key + ": is one of role " + added.role + " already"};
  role->key_ids.push_back(key.id);
  draft.known[key.id] = key.public_json;
  return ok();
}

Status remove_key(Draft& draft, const KeyOfRole& removed, const KeyFolder& keys) {
  CUBE_TRY(Role* const role, role_of(draft, removed.role));
  CUBE_TRY(const auto id, id_of_key(removed.key, *role, keys));
  const auto found = std::find(role->key_ids.begin(), role->key_ids.end(), id);
  if (found == role->key_ids.end())
    return Error{Errc::invalid, "key " + removed.key + ": is none of role " + removed.role};
  role->key_ids.erase(found);
  return ok();
}

// One key under two ids, or in two spellings, counts once.
Result<std::size_t> different_keys(const Role& role, const Draft& draft) {
  std::set<std::string> different;
  for (const auto& id : role.key_ids) {
    CUBE_TRY(const auto key, PublicKey::parse(draft.known.at(id)));
    different.insert(key.bytes);
  }
  return different.size();
}

Status check_role(const std::string& name, const Role& role, std::size_t keys) {
  if (role.threshold >= 1 && role.threshold <= keys) return ok();
  return Error{Errc::invalid, "role " + name + ": a threshold of " +
                                  std::to_string(role.threshold) + " with " + std::to_string(keys) +
                                  " keys; add keys or change the threshold"};
}

// Members and roles that are not known here stay as they are, with the keys of those roles.
Result<Json> with_foreign_parts(const Root& root, const Draft& draft, const Json& made) {
  CUBE_TRY(auto body, signed_part(root.text));
  CUBE_TRY(auto roles, body["roles"].object());
  CUBE_TRY(auto members, made.object());
  CUBE_TRY(auto keys, members["keys"].object());
  CUBE_TRY(const auto known, members["roles"].object());
  for (const auto& [name, role] : known) roles[name] = role;
  for (const auto& [name, role] : roles) {
    if (known.count(name) != 0) continue;
    CUBE_TRY(const Json listed, role.member("keyids"));
    CUBE_TRY(const auto ids, listed.array());
    for (const auto& each : ids) {
      CUBE_TRY(const auto id, each.string());
      if (const auto key = draft.known.find(id); key != draft.known.end()) keys.insert(*key);
    }
  }
  members["roles"] = std::move(roles);
  members["keys"] = std::move(keys);
  for (auto& [name, value] : members) body[name] = value;
  return Json(std::move(body));
}

}  // namespace

Result<std::string> id_of_key(const std::string& key, const Role& role, const KeyFolder& keys) {
  if (std::find(role.key_ids.begin(), role.key_ids.end(), key) != role.key_ids.end()) return key;
  CUBE_TRY(const auto found, keys.find(key));
  return found.id;
}

Result<Json> next_root_body(const Root& root, const RootChange& change, const KeyFolder& keys,
                            UnixSeconds expires) {
  CUBE_TRY(auto draft, draft_of(root));
  for (const auto& added : change.add) CUBE_CHECK(add_key(draft, added, keys));
  for (const auto& removed : change.remove) CUBE_CHECK(remove_key(draft, removed, keys));
  for (const auto& [name, threshold] : change.thresholds) {
    CUBE_TRY(Role* const role, role_of(draft, name));
    role->threshold = threshold;
  }
  std::map<std::string, RoleKeys> roles;
  for (const auto& [name, role] : draft.roles) {
    CUBE_TRY(const auto count, different_keys(role, draft));
    CUBE_CHECK(check_role(name, role, count));
    auto& described = roles[name];
    described.threshold = role.threshold;
    for (const auto& id : role.key_ids)
      described.keys.push_back({"", id, draft.known.at(id), false});
  }
  return with_foreign_parts(root, draft, root_body({"root", root.version + 1, expires}, roles));
}

Result<std::string> draft_next_root(const Json& body, const Root& root, const KeyFolder& keys) {
  CUBE_TRY(const auto text, sign_with(body, {}));
  CUBE_TRY(const auto next, parse_root(text));
  CUBE_TRY(const auto present_signers, signers_of(keys, root, "root"));
  CUBE_TRY(const auto next_signers, signers_of(keys, next, "root"));
  CUBE_TRY(const auto half, add_signatures(text, present_signers));
  return add_signatures(half, next_signers);
}

Status check_next_root(const Root& next, const Root& root) {
  if (next.version != root.version + 1)
    return Error{Errc::invalid, "next root: is version " + std::to_string(next.version) +
                                    ", but the repository has version " +
                                    std::to_string(root.version) + "; draft it anew"};
  for (const auto& [judge, which] : {std::pair{&root, "present"}, {&next, "new"}}) {
    auto enough = check_signatures(next, *judge, "root");
    if (!enough)
      return Error{Errc::untrusted, "next root: it is " + enough.error().what + ", by the " +
                                        which +
                                        " root; bring the keys or name their folder with --keys, "
                                        "or let each holder of a key sign a draft (cube-release "
                                        "root --draft, sign)"};
  }
  return ok();
}

}  // namespace cube
