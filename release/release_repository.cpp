#include "release/release_repository.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "model/manifest.h"
#include "release/signed_record.h"

namespace cube {
namespace {

constexpr std::uint64_t max_roots = 1000;
constexpr std::size_t max_commit_bytes = 1024 * 1024;
const std::string timestamp_file = "metadata/timestamp.json";

std::string metadata_file(const std::string& role, std::uint64_t version) {
  return "metadata/" + std::to_string(version) + "." + role + ".json";
}

// N of "N.ROLE.json"; 0 when the name is another.
std::uint64_t version_in(const std::string& file, const std::string& role) {
  const std::string tail = "." + role + ".json";
  if (file.size() <= tail.size() || file.substr(file.size() - tail.size()) != tail) return 0;
  const char* end = file.data() + file.size() - tail.size();
  std::uint64_t version = 0;
  const auto parsed = std::from_chars(file.data(), end, version);
  return parsed.ec == std::errc() && parsed.ptr == end ? version : 0;
}

// With consistent snapshots.
std::string file_of_document(const std::string& path, const std::string& sha256_hex) {
  const auto name = path.rfind('/') + 1;
  return "targets/" + path.substr(0, name) + sha256_hex + "." + path.substr(name);
}

Status check_role(const Metadata& document, const Root& root, const std::string& role) {
  auto enough = check_signatures(document, root, role);
  if (enough) return ok();
  return std::move(enough).error().in(role + ".json, by root version " +
                                      std::to_string(root.version));
}

// Which of the two a reader sees now; neither, when somebody else wrote it.
Status check_ours(const std::optional<std::string>& served, const SignedRecord& record,
                  const std::string& where) {
  const std::string digest = served ? to_hex(sha256(*served)) : "";
  if (digest == record.served || (served && *served == record.timestamp)) return ok();
  return Error{Errc::corrupt,
               where +
                   ": is not what was signed here last, so somebody else wrote it, and nothing is "
                   "signed on top of it; restore metadata/ from your copy, or if you know who "
                   "signed it and agree with every release in it, remove publisher/signed.json"};
}

Status check_version(const Metadata& document, std::uint64_t expected, const std::string& file) {
  if (document.version == expected) return ok();
  return Error{Errc::corrupt, file + ": is version " + std::to_string(document.version) + ", not " +
                                  std::to_string(expected)};
}

}  // namespace

bool is_repository(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_regular_file(path + "/metadata/1.root.json", ignored);
}

Result<ReleaseRepository> ReleaseRepository::create(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) return system_error("make " + path, error.value());
  CUBE_TRY(auto folder, RootDir::open(path));
  for (const std::string name : {"metadata", "targets/releases"})
    CUBE_CHECK(folder.make_dirs(name));
  return ReleaseRepository(std::move(folder));
}

Result<ReleaseRepository> ReleaseRepository::open(const std::string& path) {
  if (!is_repository(path))
    return Error{Errc::invalid, "folder " + path +
                                    ": is not a repository (it has no metadata/1.root.json); name "
                                    "one, or make it with cube-release init"};
  CUBE_TRY(auto folder, RootDir::open(path));
  return ReleaseRepository(std::move(folder));
}

Result<std::vector<Root>> ReleaseRepository::roots() const {
  std::vector<Root> roots;
  for (std::uint64_t version = 1; version <= max_roots; ++version) {
    const auto file = metadata_file("root", version);
    if (version > 1 && !folder_.exists(file)) return roots;
    CUBE_TRY(const auto text, folder_.read_file(file, max_metadata_bytes));
    auto root = parse_root(text);
    if (!root) return std::move(root).error().in(folder_.join(file));
    CUBE_CHECK(check_version(*root, version, folder_.join(file)));
    auto trusted = check_signatures(*root, *root, "root");
    if (trusted && !roots.empty()) trusted = check_signatures(*root, roots.back(), "root");
    if (!trusted) return std::move(trusted).error().in(folder_.join(file));
    roots.push_back(std::move(root).value());
  }
  return Error{Errc::corrupt, folder_.join("metadata") + ": more than 1000 roots"};
}

Result<std::string> ReleaseRepository::read(const std::string& file, std::size_t max_bytes,
                                            const MetaFile& expected) const {
  auto text = folder_.read_file(file, max_bytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::corrupt, folder_.join(file) + ": is missing; restore the repository"};
  if (!text) return text;
  const bool long_as_said = !expected.length || *expected.length == text->size();
  const bool same = !expected.sha256 || *expected.sha256 == to_hex(sha256(*text));
  if (!long_as_said || !same)
    return Error{Errc::corrupt,
                 folder_.join(file) + ": is not what was signed; restore the repository"};
  return text;
}

Result<std::optional<std::string>> ReleaseRepository::served_timestamp() const {
  auto text = folder_.read_file(timestamp_file, max_metadata_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<std::string>();
  if (!text) return std::move(text).error();
  return std::optional<std::string>(std::move(text).value());
}

Result<std::optional<PublishedState>> ReleaseRepository::published() const {
  CUBE_TRY(const auto served, served_timestamp());
  CUBE_TRY(const auto record, read_signed_record(folder_));
  if (record) CUBE_CHECK(check_ours(served, *record, folder_.join(timestamp_file)));
  if (!served && !record) return std::optional<PublishedState>();
  CUBE_TRY(const auto chain, roots());
  const Root& newest = chain.back();
  const auto found = [](Result<PublishedState> state) -> Result<std::optional<PublishedState>> {
    if (!state) return std::move(state).error();
    return std::optional<PublishedState>(std::move(state).value());
  };
  const bool interrupted = record && (!served || *served != record->timestamp);
  if (interrupted && !served) return std::optional<PublishedState>();
  auto state = state_of(*served, newest);
  if (state || !interrupted || state.error().code != Errc::untrusted)
    return found(std::move(state));
  // The run ended after a new root: what it signed for that root counts. So nothing that only older
  // keys signed is ever signed anew.
  auto staged = state_of(record->timestamp, newest);
  return found(staged ? std::move(staged) : std::move(state));
}

Result<PublishedState> ReleaseRepository::state_of(const std::string& timestamp,
                                                   const Root& root) const {
  PublishedState state;
  CUBE_TRY(state.timestamp, parse_timestamp(timestamp));
  CUBE_CHECK(check_role(state.timestamp, root, "timestamp"));

  const auto& of_snapshot = state.timestamp.snapshot;
  const auto snapshot_file = metadata_file("snapshot", of_snapshot.version);
  CUBE_TRY(const auto snapshot_text, read(snapshot_file, max_snapshot_bytes, of_snapshot));
  CUBE_TRY(state.snapshot, parse_snapshot(snapshot_text));
  CUBE_CHECK(check_version(state.snapshot, of_snapshot.version, snapshot_file));
  CUBE_CHECK(check_role(state.snapshot, root, "snapshot"));

  const auto& of_targets = state.snapshot.targets;
  const auto targets_file = metadata_file("targets", of_targets.version);
  CUBE_TRY(const auto targets_text, read(targets_file, max_targets_bytes, of_targets));
  CUBE_TRY(state.targets, parse_targets(targets_text));
  CUBE_CHECK(check_version(state.targets, of_targets.version, targets_file));
  CUBE_CHECK(check_role(state.targets, root, "targets"));
  return state;
}

Result<std::optional<Targets>> ReleaseRepository::delegated(const PublishedState& state,
                                                            const std::string& role) const {
  const auto& roles = state.targets.delegated;
  const auto found = std::find_if(roles.begin(), roles.end(),
                                  [&](const DelegatedRole& each) { return each.name == role; });
  const auto meta = state.snapshot.delegated.find(role);
  if (found == roles.end() || meta == state.snapshot.delegated.end())
    return std::optional<Targets>();
  const auto file = metadata_file(role, meta->second.version);
  CUBE_TRY(const auto text, read(file, max_targets_bytes, meta->second));
  CUBE_TRY(auto list, parse_targets(text, role));
  CUBE_CHECK(check_version(list, meta->second.version, file));
  auto enough = check_signatures(list, state.targets.keys, *found, role);
  if (!enough) return std::move(enough).error().in(file);
  return std::optional<Targets>(std::move(list));
}

Result<std::optional<std::string>> ReleaseRepository::listed(const Targets& list,
                                                             const std::string& path,
                                                             std::size_t max_bytes) const {
  const auto found = list.files.find(path);
  if (found == list.files.end()) return std::optional<std::string>();
  CUBE_TRY(auto text, read(file_of_document(path, found->second.sha256), max_bytes,
                           {0, found->second.length, found->second.sha256}));
  return std::optional<std::string>(std::move(text));
}

Result<std::string> ReleaseRepository::manifest(const std::string& name,
                                                const TargetFile& file) const {
  return read("targets/releases/" + name + "/" + file.sha256 + ".manifest.json", max_manifest_bytes,
              {0, file.length, file.sha256});
}

Result<std::uint64_t> ReleaseRepository::next_version(const std::string& role) const {
  std::uint64_t highest = 0;
  CUBE_TRY(const auto files, folder_.list("metadata"));
  for (const auto& file : files) highest = std::max(highest, version_in(file, role));
  if (role == "timestamp") {
    CUBE_TRY(const auto state, published());
    if (state) highest = state->timestamp.version;
  }
  return highest + 1;
}

bool ReleaseRepository::has_metadata(const std::string& role, std::uint64_t version,
                                     const std::string& text) const {
  const auto there = folder_.read_file(metadata_file(role, version), max_targets_bytes);
  return there && *there == text;
}

Status ReleaseRepository::check_commit(const std::string& commit) const {
  const std::string file =
      "repo/objects/" + commit.substr(0, 2) + "/" + commit.substr(2) + ".commit";
  CUBE_TRY(const auto bytes, read(file, max_commit_bytes, {0, std::nullopt, commit}));
  return ok();
}

Status ReleaseRepository::put_metadata(const std::string& role, std::uint64_t version,
                                       const std::string& text) const {
  const auto file = metadata_file(role, version);
  if (folder_.exists(file))
    return Error{Errc::bug, folder_.join(file) + ": exists and must never change"};
  return replace_file(folder_, file, text);
}

Status ReleaseRepository::stage_timestamp(const std::string& text) const {
  CUBE_TRY(const auto served, served_timestamp());
  return write_signed_record(folder_, {served ? to_hex(sha256(*served)) : "", text});
}

Status ReleaseRepository::put_timestamp(const std::string& text) const {
  CUBE_CHECK(replace_file(folder_, timestamp_file, text));
  return write_signed_record(folder_, {to_hex(sha256(text)), text});
}

Status ReleaseRepository::put_document(const std::string& path, const std::string& text) const {
  CUBE_CHECK(folder_.make_dirs("targets/" + path.substr(0, path.rfind('/'))));
  CUBE_CHECK(replace_file(folder_, file_of_document(path, to_hex(sha256(text))), text));
  return sync_folder(folder_, "targets");
}

Status ReleaseRepository::put_manifest(const std::string& name, const std::string& text) const {
  const std::string folder = "targets/releases/" + name;
  CUBE_CHECK(folder_.make_dirs(folder));
  CUBE_CHECK(replace_file(folder_, folder + "/" + to_hex(sha256(text)) + ".manifest.json", text));
  return sync_folder(folder_, "targets/releases");
}

}  // namespace cube
