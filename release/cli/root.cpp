// cube-release root, key rotate and key revoke: the next root, published at once or carried
// from holder to holder.
#include <fmt/format.h>

#include <charconv>

#include "release/cli/commands.h"
#include "release/cli/drafts.h"
#include "release/cli/exit_code.h"
#include "release/key_rotation.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

using RoleValue = std::pair<std::string, std::string>;

Result<RoleValue> role_value(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    return Error{Errc::invalid,
                 "\"" + text + "\": is not ROLE=VALUE; write it as in targets=targets-2"};
  return RoleValue{text.substr(0, equals), text.substr(equals + 1)};
}

Result<std::vector<KeyOfRole>> keys_of_roles(const std::vector<std::string>& texts) {
  std::vector<KeyOfRole> keys;
  for (const auto& text : texts) {
    CUBE_TRY(const auto pair, role_value(text));
    keys.push_back({pair.first, pair.second});
  }
  return keys;
}

Result<RootChange> root_change(const RootCommand& command) {
  RootChange change;
  CUBE_TRY(change.add, keys_of_roles(command.add));
  CUBE_TRY(change.remove, keys_of_roles(command.remove));
  for (const auto& text : command.thresholds) {
    CUBE_TRY(const auto pair, role_value(text));
    const auto& [role, number] = pair;
    auto& threshold = change.thresholds[role];
    const char* end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, threshold);
    if (parsed.ec != std::errc() || parsed.ptr != end)
      return Error{Errc::invalid, "threshold \"" + text + "\": is no number; write ROLE=N"};
  }
  return change;
}

struct NextRoot {
  std::string draft;    // file to write it to; "": publish it
  std::string new_key;  // one that it brings; "": none
  std::optional<std::uint64_t> days;
};

Result<int> publish_or_draft(const Common& common, const Publisher& publisher,
                             const RootChange& change, const NextRoot& wished) {
  CUBE_TRY(const auto now, wall_clock());
  CUBE_TRY(const auto draft, publisher.draft_root(change, now, wished.days));
  if (!wished.draft.empty()) return write_draft(common, wished.draft, draft);
  CUBE_TRY(const auto done, publisher.publish_root(draft, now));
  return report(common, done, wished.new_key);
}

}  // namespace

Result<int> next_root(const Common& common, const RootCommand& command,
                      std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto now, wall_clock());
  if (!command.publish.empty()) {
    if (!command.add.empty() || !command.remove.empty() || !command.thresholds.empty() || days)
      return Error{Errc::invalid, "--publish takes the draft as it is; make changes with --draft"};
    CUBE_TRY(const auto text, read_draft(command.publish));
    CUBE_TRY(const auto done, publisher.publish_root(text, now));
    return report(common, done);
  }
  CUBE_TRY(const auto change, root_change(command));
  return publish_or_draft(common, publisher, change, {command.draft, "", days});
}

Result<int> key_rotate(const Common& common, const RotateCommand& command,
                       std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto roots, publisher.repository().roots());
  CUBE_TRY(const auto keys, KeyFolder::open(publisher.keys_path(), common.passphrases));
  CUBE_TRY(const auto rotation,
           rotation_of(roots.back(), command.role, {command.old_key, command.new_key}, keys));
  const auto& [old_key, new_key] = rotation;
  const auto known = keys.find(new_key);
  if (!known) {
    CUBE_TRY(const auto made, keys.generate(new_key, command.protect));
  }
  RootChange change;
  change.add = {{command.role, new_key}};
  change.remove = {{command.role, old_key}};
  auto code = publish_or_draft(common, publisher, change, {command.draft, new_key, days});
  if (!code && !known)
    code.error().what += "; the new key was made, name it with --key " + new_key + " next time";
  if (code && !common.json && command.draft.empty())
    fmt::print("Key {} signs for {} in place of {}. Destroy what is left of {}.\n", new_key,
               command.role, old_key, old_key);
  return code;
}

Result<int> key_revoke(const Common& common, const std::string& name, const std::string& draft,
                       std::optional<std::uint64_t> days) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto roots, publisher.repository().roots());
  CUBE_TRY(const auto keys, KeyFolder::open(publisher.keys_path(), common.passphrases));
  CUBE_TRY(const auto change, revocation_of(roots.back(), name, keys));
  return publish_or_draft(common, publisher, change, {draft, "", days});
}

}  // namespace cube::publish_cli
