// cube-release sign, and the files that it signs.
#include "release/cli/drafts.h"

#include <fmt/format.h>

#include <filesystem>

#include "base/durable_file.h"
#include "release/cli/exit_code.h"
#include "release/draft.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

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
    auto text = folder.read_file(name, max_targets_bytes);
    if (!text) return std::move(text).error().in("draft " + name);
    return text;
  }
  [[nodiscard]] Status write(const std::string& text) const {
    return replace_file(folder, name, text);
  }
};

// What a holder needs to know of the repository that a list is for.
struct Present {
  std::optional<Root> root;
  std::optional<PublishedState> state;
};

Result<Present> present_at(const Common& common) {
  Present present;
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  if (!is_repository(path)) return present;
  CUBE_TRY(const auto repository, ReleaseRepository::open(path));
  CUBE_TRY(auto roots, repository.roots());
  CUBE_TRY(present.state, repository.published());
  present.root = std::move(roots.back());
  return present;
}

// The private keys of these names; without names, those at hand that sign for that root.
Result<std::vector<PrivateKey>> signers(const KeyFolder& keys, const Root* root,
                                        const std::string& role,
                                        const std::vector<std::string>& names) {
  std::vector<PrivateKey> signers;
  if (names.empty() && root == nullptr)
    return Error{Errc::invalid,
                 "draft of targets: its repository is not here, so name the key with --key, or the "
                 "repository with --repository"};
  if (names.empty()) return signers_of(keys, *root, role);
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

std::string described(const Targets& list, const Present& present) {
  std::string text =
      fmt::format("targets version {}, valid until {}\n", list.version, format_utc(list.expires));
  const std::map<std::string, TargetFile> none;
  const auto& before = present.state ? present.state->targets.files : none;
  for (const auto& [path, file] : list.files) {
    const auto known = before.find(path);
    if (known != before.end() && known->second.sha256 == file.sha256) continue;
    text += fmt::format("  {} {} sha256 {}\n", known == before.end() ? "adds" : "CHANGES", path,
                        file.sha256);
  }
  for (const auto& [path, file] : before)
    if (list.files.count(path) == 0) text += fmt::format("  REMOVES {}\n", path);
  for (const auto& role : list.delegated) text += fmt::format("  delegates to {}\n", role.name);
  if (!present.root) text += "  (its repository is not here: all targets are listed)\n";
  return text;
}

std::string counted(std::size_t signatures) {
  return fmt::format("{} signature{}", signatures, signatures == 1 ? "" : "s");
}

}  // namespace

Result<std::string> read_draft(const std::string& file) {
  CUBE_TRY(const auto place, DraftFile::at(file));
  return place.read();
}

Result<int> write_draft(const Common& common, const std::string& file, const std::string& text) {
  CUBE_TRY(const auto place, DraftFile::at(file));
  if (place.folder.exists(place.name))
    return Error{Errc::refused, "draft " + file + ": exists and is not overwritten"};
  CUBE_TRY(const auto role, role_of_draft(text));
  CUBE_TRY(const auto draft, parse_draft(text));
  CUBE_CHECK(place.write(text));
  if (common.json)
    fmt::print("{}\n", Json(Json::Object{{"draft", file},
                                         {"version", draft.version},
                                         {"signatures", std::uint64_t{draft.signatures.size()}}})
                           .line());
  else
    fmt::print(
        "{} holds {} version {} with {}. Carry it to the other holders (cube-release sign), then "
        "publish it (cube-release {}).\n",
        file, role, draft.version, counted(draft.signatures.size()),
        role == "root" ? "root --publish" : "publish --from-draft");
  return exit_done;
}

Result<int> sign(const Common& common, const std::string& file,
                 const std::vector<std::string>& names) {
  CUBE_TRY(const auto place, DraftFile::at(file));
  CUBE_TRY(const auto text, place.read());
  CUBE_TRY(const auto role, role_of_draft(text));
  Present present;
  std::string what;
  if (role == "root") {
    CUBE_TRY(present.root, parse_root(text));
    what = described(*present.root);
  } else {
    CUBE_TRY(const auto list, parse_targets(text));
    CUBE_TRY(present, present_at(common));
    what = described(list, present);
  }
  CUBE_TRY(const auto path, key_folder(common));
  CUBE_TRY(const auto keys, KeyFolder::open(path, common.passphrases));
  CUBE_TRY(const auto secrets, signers(keys, present.root ? &*present.root : nullptr, role, names));
  if (secrets.empty())
    return Error{Errc::untrusted, "draft " + file + ": no private key in " + path + " is one of " +
                                      (role == "root" ? "the new root; name one that is leaving"
                                                      : "role targets; name another") +
                                      " with --key"};
  CUBE_TRY(const auto more, add_signatures(text, secrets));
  CUBE_CHECK(place.write(more));
  CUBE_TRY(const auto now_signed, parse_draft(more));
  if (common.json)
    fmt::print("{}\n",
               Json(Json::Object{{"draft", file},
                                 {"version", now_signed.version},
                                 {"signatures", std::uint64_t{now_signed.signatures.size()}}})
                   .line());
  else
    fmt::print("Signed, {} now:\n{}", counted(now_signed.signatures.size()), what);
  return exit_done;
}

}  // namespace cube::publish_cli
