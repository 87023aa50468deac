#include "keys/tuf_client.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr int max_root_steps = 32;

Error untrusted(const std::string& what) {
  return {Errc::untrusted, what};
}

Status check_owner(const struct stat& st) {
  if (!S_ISREG(st.st_mode)) return untrusted("not a regular file");
  if (::geteuid() == 0 && st.st_uid != 0) return untrusted("not owned by root");
  if (::geteuid() == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return untrusted("writable by group or others");
  return ok();
}

Result<Root> read_trusted_root(const RootDir& root, const std::string& path) {
  CUBE_TRY(const auto file, root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  CUBE_CHECK(check_owner(st));
  CUBE_TRY(const auto text, read_all(file, max_metadata_bytes));
  CUBE_TRY(Root parsed, parse_root(text));
  CUBE_CHECK(check_signatures(parsed, parsed, "root"));
  return parsed;
}

// A persisted document, or nothing when it is missing or damaged.
template <typename T>
std::optional<T> read_back(const RootDir& root, const std::string& path, std::size_t cap,
                           Result<T> (*parse)(const std::string&)) {
  const auto text = root.read_file(path, cap);
  if (!text) return std::nullopt;
  auto parsed = parse(*text);
  if (!parsed) return std::nullopt;
  return std::move(parsed).value();
}

template <typename T>
void drop_unsigned(std::optional<T>& document, const Root& root, const std::string& role) {
  if (document && !check_signatures(*document, root, role)) document.reset();
}

bool same_keys(const Root& left, const Root& right, const std::string& role) {
  return left.roles.at(role) == right.roles.at(role);
}

Status not_lower(std::uint64_t offered, std::uint64_t known, const std::string& name) {
  if (offered >= known || mutated("metadata-rollback-accepted")) return ok();
  return untrusted(name + ": version " + std::to_string(offered) + " is offered, but version " +
                   std::to_string(known) + " was seen before");
}

Status check_version(const Metadata& document, std::uint64_t expected, const std::string& name) {
  if (document.version == expected) return ok();
  return untrusted(name + ": is version " + std::to_string(document.version) + ", not " +
                   std::to_string(expected));
}

// A missing document of a repository is damage, not an answer.
Error as_damage(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

}  // namespace

// What earlier runs left behind.
struct TufClient::Persisted {
  std::optional<Root> root;
  std::optional<Timestamp> timestamp;
  std::optional<Snapshot> snapshot;
  std::optional<Targets> targets;
  bool rotated = false;  // the keys of timestamp or snapshot changed since then
};

TufClient::TufClient(const RootDir& root, UnixSeconds now, TufPlaces places,
                     std::unique_ptr<MetadataFetcher> fetcher, Root trusted)
    : root_(&root),
      now_(now),
      places_(std::move(places)),
      fetcher_(std::move(fetcher)),
      trusted_(std::move(trusted)) {}

Result<TufClient> TufClient::open(const RootDir& root, UnixSeconds now, TufPlaces places,
                                  std::unique_ptr<MetadataFetcher> fetcher) {
  auto trusted = read_trusted_root(root, places.trusted_root);
  if (!trusted && mutated("missing-root-accepted")) {
    CUBE_TRY(const auto text, fetcher->get("metadata/1.root.json", max_metadata_bytes));
    trusted = parse_root(text);
  }
  if (!trusted)
    return untrusted("trusted root " + root.join(places.trusted_root) + ": " +
                     trusted.error().what +
                     "; no release is believed until the image has a good one");
  return TufClient(root, now, std::move(places), std::move(fetcher), std::move(trusted).value());
}

std::string TufClient::state_path(const std::string& name) const {
  return places_.state + "/" + name + ".json";
}

TufClient::Persisted TufClient::read_persisted() const {
  Persisted persisted;
  persisted.root = read_back(*root_, state_path("root"), max_metadata_bytes, parse_root);
  if (persisted.root) drop_unsigned(persisted.root, *persisted.root, "root");
  persisted.timestamp =
      read_back(*root_, state_path("timestamp"), max_metadata_bytes, parse_timestamp);
  persisted.snapshot =
      read_back(*root_, state_path("snapshot"), max_metadata_bytes, parse_snapshot);
  persisted.targets = read_back(*root_, state_path("targets"), max_targets_bytes, parse_targets);
  return persisted;
}

// After a rotation of their keys timestamp and snapshot start anew: whoever stole the old keys may
// have signed the highest version there is.
void TufClient::drop_what_no_longer_counts(Persisted& persisted, const Root& root) const {
  const Root& before = persisted.root ? *persisted.root : trusted_;
  persisted.rotated = !same_keys(before, root, "timestamp") || !same_keys(before, root, "snapshot");
  if (persisted.rotated) {
    persisted.timestamp.reset();
    persisted.snapshot.reset();
  }
  drop_unsigned(persisted.timestamp, root, "timestamp");
  drop_unsigned(persisted.snapshot, root, "snapshot");
  drop_unsigned(persisted.targets, root, "targets");
}

Result<Root> TufClient::next_root(const Root& root, const std::string& text) const {
  CUBE_TRY(Root next, parse_root(text));
  CUBE_CHECK(check_signatures(next, root, "root"));
  CUBE_CHECK(check_signatures(next, next, "root"));
  CUBE_CHECK(check_version(next, root.version + 1, "root.json"));
  return next;
}

// From the baked root, or from the persisted one if the baked one's keys signed it, step by step to
// the newest. The persisted one is a lower bound in any case.
Result<Root> TufClient::follow_root_chain(const Persisted& persisted) {
  Root root = trusted_;
  const auto& kept = persisted.root;
  if (kept && kept->version > root.version && check_signatures(*kept, root, "root")) root = *kept;
  for (int steps = 0;; ++steps) {
    const std::string path = "metadata/" + std::to_string(root.version + 1) + ".root.json";
    auto text = fetcher_->get(path, max_metadata_bytes);
    if (!text && text.error().code == Errc::not_found) break;
    if (!text) return std::move(text).error();
    if (steps == max_root_steps)
      return untrusted("more than 32 new roots; install an image with a newer trusted root");
    auto next = next_root(root, *text);
    if (!next) return std::move(next).error().in(path);
    root = std::move(next).value();
  }
  if (kept) CUBE_CHECK(not_lower(root.version, kept->version, "root.json"));
  CUBE_CHECK(check_fresh(root, "root.json"));
  return root;
}

Status TufClient::check_fresh(const Metadata& document, const std::string& name) const {
  if (now_ < document.expires || mutated("expiry-ignored")) return ok();
  return untrusted(name + ": expired at " + format_utc(document.expires) + ", and it is " +
                   format_utc(now_) + "; check the clock, or publish again");
}

Result<std::string> TufClient::fetch(const std::string& path, const MetaFile& expected,
                                     std::size_t cap) {
  if (expected.length && *expected.length > cap)
    return Error{Errc::corrupt,
                 path + ": announced with more than " + std::to_string(cap) + " bytes"};
  auto text = fetcher_->get(path, expected.length ? *expected.length : cap);
  if (!text) return as_damage(std::move(text).error());
  if (expected.length && text->size() != *expected.length)
    return Error{Errc::corrupt, path + ": has " + std::to_string(text->size()) +
                                    " bytes instead of " + std::to_string(*expected.length)};
  if (expected.sha256 && to_hex(sha256(*text)) != *expected.sha256)
    return Error{Errc::corrupt, path + ": its SHA-256 is not the signed one"};
  return text;
}

Result<Timestamp> TufClient::fetch_timestamp(const Root& root, const Persisted& persisted) {
  CUBE_TRY(const auto text, fetch("metadata/timestamp.json", {}, max_metadata_bytes));
  CUBE_TRY(Timestamp timestamp, parse_timestamp(text));
  auto is_signed = check_signatures(timestamp, root, "timestamp");
  if (!is_signed) return std::move(is_signed).error().in("timestamp.json");
  if (const auto& known = persisted.timestamp) {
    CUBE_CHECK(not_lower(timestamp.version, known->version, "timestamp.json"));
    CUBE_CHECK(not_lower(timestamp.snapshot.version, known->snapshot.version, "snapshot.json"));
    if (timestamp.version == known->version && timestamp.covered != known->covered)
      return untrusted("timestamp.json: differs from the one of the same version seen before");
  }
  CUBE_CHECK(check_fresh(timestamp, "timestamp.json"));
  return timestamp;
}

Result<Snapshot> TufClient::fetch_snapshot(const Root& root, const MetaFile& expected,
                                           const Persisted& persisted) {
  const std::string path = "metadata/" + std::to_string(expected.version) + ".snapshot.json";
  CUBE_TRY(const auto text, fetch(path, expected, max_metadata_bytes));
  CUBE_TRY(Snapshot snapshot, parse_snapshot(text));
  auto is_signed = check_signatures(snapshot, root, "snapshot");
  if (!is_signed) return std::move(is_signed).error().in("snapshot.json");
  CUBE_CHECK(check_version(snapshot, expected.version, "snapshot.json"));
  if (persisted.snapshot) {
    CUBE_CHECK(not_lower(snapshot.version, persisted.snapshot->version, "snapshot.json"));
    CUBE_CHECK(
        not_lower(snapshot.targets.version, persisted.snapshot->targets.version, "targets.json"));
  }
  if (persisted.targets)
    CUBE_CHECK(not_lower(snapshot.targets.version, persisted.targets->version, "targets.json"));
  CUBE_CHECK(check_fresh(snapshot, "snapshot.json"));
  return snapshot;
}

Result<Targets> TufClient::fetch_targets(const Root& root, const MetaFile& expected) {
  const std::string path = "metadata/" + std::to_string(expected.version) + ".targets.json";
  CUBE_TRY(const auto text, fetch(path, expected, max_targets_bytes));
  CUBE_TRY(Targets targets, parse_targets(text));
  auto is_signed = check_signatures(targets, root, "targets");
  if (!is_signed) return std::move(is_signed).error().in("targets.json");
  CUBE_CHECK(check_version(targets, expected.version, "targets.json"));
  CUBE_CHECK(check_fresh(targets, "targets.json"));
  return targets;
}

// Before the new root is written: beside it, old versions would count again after a power cut.
Status TufClient::forget_stolen_versions() const {
  for (const auto* name : {"timestamp", "snapshot"})
    CUBE_CHECK(root_->remove_file(state_path(name)));
  return root_->exists(places_.state) ? sync_folder(*root_, places_.state) : ok();
}

// Each file is replaced whole; a cut in between leaves a mixture of which every part is verified
// again and can only raise the bounds.
Status TufClient::persist(const Root& root, const Timestamp& timestamp, const Snapshot& snapshot,
                          const Targets& targets) const {
  CUBE_CHECK(root_->make_dirs(places_.state));
  const std::pair<const char*, const Metadata*> documents[] = {
      {"root", &root}, {"targets", &targets}, {"snapshot", &snapshot}, {"timestamp", &timestamp}};
  for (const auto& [name, document] : documents) {
    const auto before = root_->read_file(state_path(name), max_targets_bytes);
    if (before && *before == document->text) continue;
    CUBE_CHECK(replace_file(*root_, state_path(name), document->text));
  }
  return ok();
}

Status TufClient::refresh() {
  Persisted persisted = read_persisted();
  CUBE_TRY(const Root root, follow_root_chain(persisted));
  drop_what_no_longer_counts(persisted, root);
  CUBE_TRY(const Timestamp timestamp, fetch_timestamp(root, persisted));
  CUBE_TRY(const Snapshot snapshot, fetch_snapshot(root, timestamp.snapshot, persisted));
  CUBE_TRY(Targets targets, fetch_targets(root, snapshot.targets));
  if (persisted.rotated) CUBE_CHECK(forget_stolen_versions());
  CUBE_CHECK(persist(root, timestamp, snapshot, targets));
  targets_ = std::make_shared<const Targets>(std::move(targets));
  return ok();
}

std::vector<std::string> TufClient::target_names() const {
  std::vector<std::string> names;
  if (!targets_) return names;
  for (const auto& [name, file] : targets_->releases) names.push_back(name);
  return names;
}

Result<Verified<std::string>> TufClient::target(const std::string& name, std::size_t max_bytes) {
  if (!targets_) return untrusted("no verified metadata yet; refresh first");
  const auto found = targets_->releases.find(name);
  if (found == targets_->releases.end())
    return Error{Errc::not_found, "release " + name + " is not offered by the repository"};
  const auto& file = found->second;
  const std::string path = "targets/releases/" + name + "/" + file.sha256 + ".manifest.json";
  CUBE_TRY(auto content, fetch(path, {0, file.length, file.sha256}, max_bytes));
  return Verified<std::string>(std::move(content));
}

}  // namespace cube
