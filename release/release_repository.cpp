#include "release/release_repository.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "model/manifest.h"

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

// By the newest root that fits: after a rotation of keys, what the old keys signed stays known.
Status check_by_any(const Metadata& document, const std::vector<Root>& roots,
                    const std::string& role) {
  auto newest = check_signatures(document, roots.back(), role);
  if (newest) return ok();
  const bool older = std::any_of(roots.begin(), roots.end() - 1, [&](const Root& root) {
    return check_signatures(document, root, role).has_value();
  });
  if (older) return ok();
  return std::move(newest).error().in(role + ".json");
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

Result<std::optional<PublishedState>> ReleaseRepository::published() const {
  if (!folder_.exists(timestamp_file)) return std::optional<PublishedState>();
  CUBE_TRY(const auto chain, roots());
  PublishedState state;
  CUBE_TRY(const auto timestamp_text, read(timestamp_file, max_metadata_bytes, {}));
  CUBE_TRY(state.timestamp, parse_timestamp(timestamp_text));
  CUBE_CHECK(check_by_any(state.timestamp, chain, "timestamp"));

  const auto& of_snapshot = state.timestamp.snapshot;
  const auto snapshot_file = metadata_file("snapshot", of_snapshot.version);
  CUBE_TRY(const auto snapshot_text, read(snapshot_file, max_metadata_bytes, of_snapshot));
  CUBE_TRY(state.snapshot, parse_snapshot(snapshot_text));
  CUBE_CHECK(check_version(state.snapshot, of_snapshot.version, snapshot_file));
  CUBE_CHECK(check_by_any(state.snapshot, chain, "snapshot"));

  const auto& of_targets = state.snapshot.targets;
  const auto targets_file = metadata_file("targets", of_targets.version);
  CUBE_TRY(const auto targets_text, read(targets_file, max_targets_bytes, of_targets));
  CUBE_TRY(state.targets, parse_targets(targets_text));
  CUBE_CHECK(check_version(state.targets, of_targets.version, targets_file));
  CUBE_CHECK(check_by_any(state.targets, chain, "targets"));
  return std::optional<PublishedState>(std::move(state));
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

Status ReleaseRepository::put_timestamp(const std::string& text) const {
  return replace_file(folder_, timestamp_file, text);
}

Status ReleaseRepository::put_manifest(const std::string& name, const std::string& text) const {
  const std::string folder = "targets/releases/" + name;
  CUBE_CHECK(folder_.make_dirs(folder));
  CUBE_CHECK(replace_file(folder_, folder + "/" + to_hex(sha256(text)) + ".manifest.json", text));
  return sync_folder(folder_, "targets/releases");
}

}  // namespace cube
