#include "keys/tuf_client.h"

#include <functional>

#include "base/file_url.h"
#include "base/mutation.h"
#include "keys/file_check.h"
#include "keys/trusted_root.h"

namespace cube {
namespace {

constexpr int max_root_steps = 32;

Error untrusted(const std::string& what) {
  return {Errc::untrusted, what};
}

// A persisted document, or nothing when it is missing or damaged.
template <typename T, typename Parse>
std::optional<T> read_back(const TufStore& store, const std::string& role, std::size_t cap,
                           Parse parse) {
  const auto text = store.read(role, cap);
  if (!text) return std::nullopt;
  auto parsed = parse(*text);
  if (!parsed) return std::nullopt;
  return std::move(parsed).value();
}

template <typename T>
void drop_unsigned(std::optional<T>& document, const Root& root, const std::string& role) {
  if (document && !check_signatures(*document, root, role)) document.reset();
}

std::set<std::string> keys_of(const Root& root, const Role& role) {
  std::set<std::string> keys;
  for (const auto& id : role.key_ids)
    if (const auto key = root.keys.find(id); key != root.keys.end()) keys.insert(key->second.bytes);
  return keys;
}

bool same_keys(const Root& left, const Root& right, const std::string& name) {
  const Role& of_left = left.roles.at(name);
  const Role& of_right = right.roles.at(name);
  return of_left == of_right && keys_of(left, of_left) == keys_of(right, of_right);
}

Status not_lower(std::uint64_t offered, std::uint64_t known, const std::string& name) {
  if (offered >= known || mutated("metadata-rollback-accepted")) return ok();
  return untrusted(name + ": version " + std::to_string(offered) + " is offered, but version " +
                   std::to_string(known) + " was seen before");
}

// Against what an earlier snapshot said of all targets roles.
Status not_older(const Snapshot& offered, const Snapshot& known) {
  CUBE_CHECK(not_lower(offered.version, known.version, "snapshot.json"));
  CUBE_CHECK(not_lower(offered.targets.version, known.targets.version, "targets.json"));
  for (const auto& [name, file] : known.delegated) {
    const auto found = offered.delegated.find(name);
    if (found == offered.delegated.end())
      return untrusted("snapshot.json: no longer lists role " + percent_encoded(name) +
                       ", which it did before");
    CUBE_CHECK(not_lower(found->second.version, file.version, percent_encoded(name) + ".json"));
  }
  return ok();
}

Status check_version(const Metadata& document, std::uint64_t expected, const std::string& name) {
  if (document.version == expected || mutated("mixed-versions-accepted")) return ok();
  return untrusted(name + ": is version " + std::to_string(document.version) + ", not " +
                   std::to_string(expected));
}

// Without a timestamp there is no repository: a wrong address, or a medium that is not inserted.
Error as_absence(Error error) {
  if (error.code != Errc::not_found) return error;
  return {Errc::unreachable, error.what + "; is the address right, or a medium not inserted?"};
}

// A missing document of a repository is damage, not an answer.
Error as_damage(Error error) {
  if (error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

std::string metadata_path(const std::string& role) {
  return "metadata/" + percent_encoded(role) + ".json";
}

std::string metadata_path(std::uint64_t version, const std::string& role) {
  return "metadata/" + std::to_string(version) + "." + percent_encoded(role) + ".json";
}

// With consistent snapshots the name of the file, not of its folders, begins with a hash.
std::string target_path(const std::string& path, const TargetFile& file, bool consistent) {
  const auto slash = path.find_last_of('/');
  const auto name = slash == std::string::npos ? 0 : slash + 1;
  const auto hash = file.sha256.empty() ? file.sha512 : file.sha256;
  const auto prefix = consistent ? hash + "." : std::string();
  return "targets/" + percent_encoded(path.substr(0, name), "/") + prefix +
         percent_encoded(path.substr(name));
}

// Such a name would be read from outside the folder of targets.
bool climbs(const std::string& path) {
  const auto framed = "/" + path + "/";
  return framed.find("/../") != std::string::npos || framed.find("/./") != std::string::npos;
}

}  // namespace

// What earlier runs left behind.
struct TufClient::Persisted {
  std::optional<Root> root;
  std::optional<Timestamp> timestamp;
  std::optional<Snapshot> snapshot;
  std::optional<Targets> targets;
};

// One document below the timestamp: how another describes it, and who has to sign it.
template <typename T>
struct TufClient::Wanted {
  std::string role;
  const MetaFile& expected;
  std::size_t cap;
  const Keys& keys;
  const Role& signers;
  std::function<Result<T>(const std::string&)> parse;
};

TufClient::TufClient(Freshness freshness, TufStore store, std::unique_ptr<MetadataFetcher> fetcher,
                     Root trusted)
    : freshness_(std::move(freshness)),
      store_(std::move(store)),
      fetcher_(std::move(fetcher)),
      root_(std::move(trusted)) {}

Result<TufClient> TufClient::open(const RootDir& root, Freshness freshness, TufPlaces places,
                                  std::unique_ptr<MetadataFetcher> fetcher) {
  auto trusted = read_trusted_root(root, places.trusted_root);
  if (!trusted && mutated("missing-root-accepted")) {
    CUBE_TRY(const auto text, fetcher->get(metadata_path(1, "root"), max_metadata_bytes));
    trusted = parse_root(text);
  }
  if (!trusted)
    return untrusted("trusted root " + root.join(places.trusted_root) + ": " +
                     trusted.error().what +
                     "; no release is believed until the image has a good one");
  return TufClient(std::move(freshness), TufStore(root, std::move(places.state), places.writes),
                   std::move(fetcher), std::move(trusted).value());
}

TufClient::Persisted TufClient::read_persisted() const {
  Persisted persisted;
  persisted.root = read_back<Root>(store_, "root", max_metadata_bytes, parse_root);
  if (persisted.root) drop_unsigned(persisted.root, *persisted.root, "root");
  persisted.timestamp =
      read_back<Timestamp>(store_, "timestamp", max_metadata_bytes, parse_timestamp);
  persisted.snapshot = read_back<Snapshot>(store_, "snapshot", max_snapshot_bytes, parse_snapshot);
  persisted.targets = read_back<Targets>(store_, "targets", max_targets_bytes,
                                         [](const auto& text) { return parse_targets(text); });
  return persisted;
}

Result<Root> TufClient::next_root(const Root& root, const std::string& text) const {
  CUBE_TRY(Root next, parse_root(text));
  if (!mutated("old-root-not-asked")) CUBE_CHECK(check_signatures(next, root, "root"));
  CUBE_CHECK(check_signatures(next, next, "root"));
  CUBE_CHECK(check_version(next, root.version + 1, "root.json"));
  return next;
}

// After a rotation of the keys of timestamp or snapshot all versions start anew: whoever stole the
// old keys may have signed the highest version there is. They are forgotten before the new root is
// written: beside it, old versions would count again after a power cut.
Status TufClient::accept_root(const Root& root, Persisted& persisted) {
  const Root& before = persisted.root ? *persisted.root : root_;
  if (root.version > before.version &&
      (!same_keys(before, root, "timestamp") || !same_keys(before, root, "snapshot"))) {
    CUBE_CHECK(store_.forget_all_but_root());
    persisted.timestamp.reset();
    persisted.snapshot.reset();
    persisted.targets.reset();
  }
  return store_.keep("root", root.text);
}

// From the baked root, or from the persisted one if the baked one's keys signed it, step by step to
// the newest. The persisted one is a lower bound in any case.
Result<Root> TufClient::follow_root_chain(Persisted& persisted) {
  Root root = root_;
  const auto& kept = persisted.root;
  if (kept && kept->version > root.version && check_signatures(*kept, root, "root")) root = *kept;
  CUBE_CHECK(accept_root(root, persisted));
  for (int steps = 0;; ++steps) {
    const auto path = metadata_path(root.version + 1, "root");
    auto text = fetcher_->get(path, max_metadata_bytes);
    if (!text && text.error().code == Errc::not_found) break;
    if (!text) return std::move(text).error();
    if (steps == max_root_steps)
      return untrusted("more than 32 new roots; install an image with a newer trusted root");
    auto next = next_root(root, *text);
    if (!next) return std::move(next).error().in(path);
    root = std::move(next).value();
    CUBE_CHECK(accept_root(root, persisted));
  }
  if (kept) CUBE_CHECK(not_lower(root.version, kept->version, "root.json"));
  CUBE_CHECK(freshness_.check(root, "root.json"));
  drop_unsigned(persisted.timestamp, root, "timestamp");
  drop_unsigned(persisted.snapshot, root, "snapshot");
  drop_unsigned(persisted.targets, root, "targets");
  return root;
}

Result<std::string> TufClient::fetch(const std::string& path, const MetaFile& expected,
                                     std::size_t cap) {
  if (expected.length && *expected.length > cap)
    return Error{Errc::corrupt,
                 path + ": announced with more than " + std::to_string(cap) + " bytes"};
  auto text = fetcher_->get(path, expected.length ? *expected.length : cap);
  if (!text) return as_damage(std::move(text).error());
  CUBE_CHECK(check_content(*text, expected, path));
  return text;
}

Result<Timestamp> TufClient::obtain_timestamp(const Persisted& persisted) {
  auto text = fetcher_->get(metadata_path("timestamp"), max_metadata_bytes);
  if (!text) return as_absence(std::move(text).error());
  CUBE_TRY(Timestamp timestamp, parse_timestamp(*text));
  auto is_signed = check_signatures(timestamp, root_, "timestamp");
  if (!is_signed) return std::move(is_signed).error().in("timestamp.json");
  if (const auto& known = persisted.timestamp) {
    CUBE_CHECK(not_lower(timestamp.version, known->version, "timestamp.json"));
    // Of one version there is one document: the first that was seen (5.4.3.1).
    if (timestamp.version == known->version) timestamp = *known;
    CUBE_CHECK(not_lower(timestamp.snapshot.version, known->snapshot.version, "snapshot.json"));
  }
  CUBE_CHECK(freshness_.check(timestamp, "timestamp.json"));
  CUBE_CHECK(store_.keep("timestamp", timestamp.text));
  return timestamp;
}

// The persisted document if it is the one that is wanted, else the repository's.
template <typename T>
Result<T> TufClient::obtain(const Wanted<T>& wanted, std::optional<T> kept) {
  const auto role = percent_encoded(wanted.role);
  const auto name = role + ".json";
  const auto is_signed = [&](const T& document) {
    return check_signatures(document, wanted.keys, wanted.signers, role);
  };
  if (kept && kept->version == wanted.expected.version &&
      check_content(kept->text, wanted.expected, name) &&
      (is_signed(*kept) || mutated("kept-metadata-not-verified")) && freshness_.check(*kept, name))
    return std::move(*kept);
  const auto path = root_.consistent_snapshot ? metadata_path(wanted.expected.version, wanted.role)
                                              : metadata_path(wanted.role);
  CUBE_TRY(const auto text, fetch(path, wanted.expected, wanted.cap));
  CUBE_TRY(T document, wanted.parse(text));
  if (auto status = is_signed(document); !status) return std::move(status).error().in(name);
  CUBE_CHECK(check_version(document, wanted.expected.version, name));
  CUBE_CHECK(freshness_.check(document, name));
  return document;
}

Result<Snapshot> TufClient::obtain_snapshot(const MetaFile& expected, const Persisted& persisted) {
  const Wanted<Snapshot> wanted{
      "snapshot",    expected, max_snapshot_bytes, root_.keys, root_.roles.at("snapshot"),
      parse_snapshot};
  CUBE_TRY(Snapshot snapshot, obtain(wanted, persisted.snapshot));
  if (persisted.snapshot) CUBE_CHECK(not_older(snapshot, *persisted.snapshot));
  if (persisted.targets)
    CUBE_CHECK(not_lower(snapshot.targets.version, persisted.targets->version, "targets.json"));
  CUBE_CHECK(store_.keep("snapshot", snapshot.text));
  return snapshot;
}

Status TufClient::refresh() {
  Persisted persisted = read_persisted();
  CUBE_TRY(root_, follow_root_chain(persisted));
  CUBE_TRY(Timestamp timestamp, obtain_timestamp(persisted));
  CUBE_TRY(Snapshot snapshot, obtain_snapshot(timestamp.snapshot, persisted));
  const auto parse = [](const std::string& text) { return parse_targets(text); };
  const Wanted<Targets> wanted{"targets",  snapshot.targets,          max_targets_bytes,
                               root_.keys, root_.roles.at("targets"), parse};
  CUBE_TRY(Targets targets, obtain(wanted, std::move(persisted.targets)));
  CUBE_CHECK(store_.keep("targets", targets.text));
  CUBE_CHECK(store_.commit());
  targets_ = std::make_shared<const Targets>(std::move(targets));
  timestamp_ = std::move(timestamp);
  snapshot_ = std::move(snapshot);
  delegated_.clear();
  delegated_signings_.clear();
  return ok();
}

Result<std::shared_ptr<const Targets>> TufClient::load_delegated(const std::string& delegator_name,
                                                                 const Targets& delegator,
                                                                 const DelegatedRole& role) {
  auto& loaded = delegated_[{delegator_name, role.name}];
  if (loaded) return loaded;
  const auto file = snapshot_->delegated.find(role.name);
  if (file == snapshot_->delegated.end())
    return Error{Errc::corrupt,
                 "snapshot.json: no word of the delegated role " + percent_encoded(role.name)};
  const auto parse = [&](const std::string& text) { return parse_targets(text, role.name); };
  const Wanted<Targets> wanted{role.name,      file->second, max_targets_bytes,
                               delegator.keys, role,         parse};
  CUBE_TRY(Targets document,
           obtain(wanted, read_back<Targets>(store_, role.name, max_targets_bytes, parse)));
  CUBE_CHECK(store_.keep(role.name, document.text));
  CUBE_CHECK(store_.commit());
  CUBE_TRY(auto signing, signing_of(document, delegator.keys, role, role.name));
  delegated_signings_.push_back(std::move(signing));
  loaded = std::make_shared<const Targets>(std::move(document));
  return loaded;
}

Result<std::vector<Signing>> TufClient::signings() const {
  if (!targets_) return untrusted("no verified metadata yet; refresh first");
  const std::pair<const char*, const Metadata*> documents[] = {{"root", &root_},
                                                               {"timestamp", &*timestamp_},
                                                               {"snapshot", &*snapshot_},
                                                               {"targets", &*targets_}};
  std::vector<Signing> all;
  for (const auto& [role, document] : documents) {
    CUBE_TRY(auto signing, signing_of(*document, root_.keys, root_.roles.at(role), role));
    all.push_back(std::move(signing));
  }
  all.insert(all.end(), delegated_signings_.begin(), delegated_signings_.end());
  return all;
}

LoadDelegated TufClient::loader() {
  return
      [this](const std::string& delegator_name, const Targets& delegator,
             const DelegatedRole& role) { return load_delegated(delegator_name, delegator, role); };
}

Result<std::set<std::string>> TufClient::releases() {
  if (!targets_) return untrusted("no verified metadata yet; refresh first");
  return find_releases(targets_, loader());
}

Result<FoundTarget> TufClient::find_signed(const std::string& path) {
  if (!targets_) return untrusted("no verified metadata yet; refresh first");
  return find_target(targets_, path, loader());
}

Result<TargetFile> TufClient::find(const std::string& path) {
  CUBE_TRY(auto found, find_signed(path));
  return std::move(found.file);
}

Result<std::string> TufClient::place(const std::string& path) {
  CUBE_TRY(const TargetFile file, find(path));
  if (climbs(path))
    return Error{Errc::corrupt, percent_encoded(path, "/") + ": has a part \".\" or \"..\""};
  return target_path(path, file, root_.consistent_snapshot);
}

Result<Verified<std::string>> TufClient::target(const std::string& path, std::size_t max_bytes) {
  CUBE_TRY(const TargetFile file, find(path));
  CUBE_TRY(const auto where, place(path));
  CUBE_TRY(auto content, fetch(where, described(file), max_bytes));
  return Verified<std::string>(std::move(content));
}

Result<Verified<std::string>> TufClient::target_of(const std::string& role, const std::string& path,
                                                   std::size_t max_bytes) {
  CUBE_TRY(const auto found, find_signed(path));
  if ((found.by.role != role || found.by.delegator != "targets") && !mutated("plan-wrong-role"))
    return untrusted(
        path + ": is listed by role " + percent_encoded(found.by.role) +
        (found.by.role == role ? " in the name of " + percent_encoded(found.by.delegator) : "") +
        ", and only role " + role + ", delegated to by the targets role, may sign it");
  return target(path, max_bytes);
}

}  // namespace cube
