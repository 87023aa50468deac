// cube-release root, key rotate, key revoke and sign: the next root, published at once or carried
// from holder to holder.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/durable_file.h"
#include "release/cli/commands.h"
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

// A file that is carried about, in its folder.
struct DraftFile {
  RootDir folder;
  std::string name;

  static Result<DraftFile> at(const std::string& path) {
    const std::filesystem::path file = path;
    CUBE_TRY(auto folder, RootDir::open(file.has_parent_path() ? file.parent_path() : "."));
    return DraftFile{std::move(folder), file.filename()};
  }
  [[nodiscard]] Result<std::string> read() const {
    auto text = folder.read_file(name, max_metadata_bytes);
    if (!text) return std::move(text).error().in("draft " + name);
    return text;
  }
  [[nodiscard]] Status write(const std::string& text) const {
    return replace_file(folder, name, text);
  }
};

Result<int> write_draft(const Common& common, const std::string& file, const std::string& text) {
  CUBE_TRY(const auto place, DraftFile::at(file));
  if (place.folder.exists(place.name))
    return Error{Errc::refused, "draft " + file + ": exists and is not overwritten"};
  CUBE_CHECK(place.write(text));
  CUBE_TRY(const auto root, parse_root(text));
  if (common.json)
    fmt::print("{}\n", Json(Json::Object{{"draft", file},
                                         {"version", root.version},
                                         {"signatures", std::uint64_t{root.signatures.size()}}})
                           .line());
  else
    fmt::print(
        "{} holds root version {} with {} signature{}. Carry it to the other holders "
        "(cube-release sign), then publish it (cube-release root --publish).\n",
        file, root.version, root.signatures.size(), root.signatures.size() == 1 ? "" : "s");
  return exit_done;
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

// The private keys of these names; without names, those at hand that sign for the new root.
Result<std::vector<PrivateKey>> signers(const KeyFolder& keys, const Root& root,
                                        const std::vector<std::string>& names) {
  if (names.empty()) return signers_of(keys, root, "root");
  std::vector<PrivateKey> signers;
  for (const auto& name : names) {
    CUBE_TRY(const auto key, keys.find(name));
    CUBE_TRY(auto secret, keys.load(key));
    signers.push_back(std::move(secret));
  }
  return signers;
}

// What a holder puts a signature under.
std::string described(const Root& root) {
  std::string text =
      fmt::format("root version {}, valid until {}\n", root.version, format_utc(root.expires));
  for (const auto& [name, role] : root.roles) {
    text += fmt::format("  {:<10} {} of {}:", name, role.threshold, role.key_ids.size());
    for (const auto& id : role.key_ids) text.append(1, ' ').append(id, 0, 12);
    text += "\n";
  }
  return text;
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
    CUBE_TRY(const auto place, DraftFile::at(command.publish));
    CUBE_TRY(const auto text, place.read());
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

Result<int> sign(const Common& common, const std::string& file,
                 const std::vector<std::string>& names) {
  CUBE_TRY(const auto place, DraftFile::at(file));
  CUBE_TRY(const auto text, place.read());
  CUBE_TRY(const auto root, parse_root(text));
  CUBE_TRY(const auto path, key_folder(common));
  CUBE_TRY(const auto keys, KeyFolder::open(path, common.passphrases));
  CUBE_TRY(const auto secrets, signers(keys, root, names));
  if (secrets.empty())
    return Error{Errc::untrusted,
                 "draft " + file + ": no private key in " + path +
                     " is one of the new root; name one that is leaving with --key"};
  CUBE_TRY(const auto more, add_signatures(text, secrets));
  CUBE_CHECK(place.write(more));
  CUBE_TRY(const auto now_signed, parse_root(more));
  if (common.json)
    fmt::print("{}\n",
               Json(Json::Object{{"draft", file},
                                 {"version", root.version},
                                 {"signatures", std::uint64_t{now_signed.signatures.size()}}})
                   .line());
  else
    fmt::print("Signed, {} signature{} now:\n{}", now_signed.signatures.size(),
               now_signed.signatures.size() == 1 ? "" : "s", described(root));
  return exit_done;
}

}  // namespace cube::publish_cli
