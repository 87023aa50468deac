// cube-release lock: the publisher's rules about packages, made of a release and held against one.
#include <fmt/format.h>

#include <filesystem>

#include "base/durable_file.h"
#include "release/cli/exit_code.h"
#include "release/cli/lock_commands.h"
#include "release/lock_check.h"

namespace cube::publish_cli {
namespace {

// Where the rules are written: a folder that is there, and a name.
struct LockFile {
  RootDir folder;
  std::string name;

  static Result<LockFile> at(const Publisher& publisher, const std::string& file) {
    std::error_code error;
    const std::filesystem::path path =
        file.empty() ? std::filesystem::path(publisher.repository().path()) / publisher_locks_file
                     : std::filesystem::absolute(file, error);
    if (error) return system_error("locks " + file, error.value());
    CUBE_TRY(auto folder, RootDir::open(path.parent_path().string()));
    return LockFile{std::move(folder), path.filename().string()};
  }
};

Result<std::string> newest_published(const Publisher& publisher) {
  CUBE_TRY(const auto published, publisher.published());
  if (published.empty())
    return Error{Errc::not_found,
                 "nothing is published yet; name the folder of a tree that is known to be good"};
  return published.back().name.text;
}

void print(const insight::Findings& findings) {
  for (const auto& finding : findings) {
    fmt::print("{:8} {}\n", word_for(finding.grade), finding.what);
    if (finding.grade == insight::Grade::refusal) fmt::print("         id: {}\n", finding.id());
  }
}

}  // namespace

Result<int> lock_init(const Common& common, const LockCommand& command) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto file, LockFile::at(publisher, command.file));
  if (file.folder.exists(file.name))
    return Error{Errc::refused, "locks " + file.folder.join(file.name) +
                                    ": exists and is not overwritten; remove it, or name another "
                                    "file with --locks"};
  std::string place = command.place;
  if (place.empty()) {
    CUBE_TRY(place, newest_published(publisher));
  }
  CUBE_TRY(const auto inventory, inventory_of(common, place));
  auto text = insight::locks_of(inventory, command.choice);
  if (!text) return std::move(text).error().in("locks of " + insight::readable(place));
  CUBE_CHECK(replace_file(file.folder, file.name, *text));
  insight::LockPolicy policy;
  CUBE_CHECK(add_locks(*text, file.name, insight::LockOwner::publisher, policy));
  if (common.json)
    fmt::print("{}\n", Json(Json::Object{{"file", file.folder.join(file.name)},
                                         {"rules", std::uint64_t{policy.rules.size()}},
                                         {"groups", std::uint64_t{policy.groups.size()}}})
                           .line());
  else
    fmt::print("{} rules and {} groups in {}\n", policy.rules.size(), policy.groups.size(),
               file.folder.join(file.name));
  return exit_done;
}

Result<int> lock_check(const Common& common, const LockCommand& command) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto policy, publisher_locks(publisher, command.file));
  CUBE_TRY(const auto offered, inventory_of(common, command.place));
  std::optional<insight::Inventory> before;
  if (!command.before.empty()) {
    CUBE_TRY(before, inventory_of(common, command.before));
  }
  const auto findings =
      insight::in_order(lock_breaches(policy, offered, before ? &*before : nullptr));
  const bool refused = insight::any_refuses(findings);
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"rules", std::uint64_t{policy.rules.size()}},
                                         {"groups", std::uint64_t{policy.groups.size()}},
                                         {"refused", refused},
                                         {"findings", findings_json(findings)}})
                           .line());
  } else {
    print(findings);
    fmt::print("{} rules and {} groups: {}\n", policy.rules.size(), policy.groups.size(),
               refused ? "broken" : "kept");
  }
  return refused ? exit_refused : exit_done;
}

}  // namespace cube::publish_cli
