#include "release/publisher.h"

#include <fcntl.h>
#include <sys/file.h>

#include <algorithm>

#include "base/digest.h"
#include "base/durable_file.h"
#include "model/manifest.h"
#include "release/publisher_run.h"

namespace cube {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;
constexpr UnixSeconds root_warning = 90 * day;
const std::string pending_folder = "publisher/pending";

std::string pending_file(const std::string& name) {
  return pending_folder + "/" + name + ".json";
}

bool older(const Release& left, const Release& right) {
  return compare_age(left.name, right.name) < 0;
}

Status check_unchanged(const PublishedState& state, const std::string& name,
                       const std::string& manifest_sha256) {
  const auto found = state.targets.releases.find(name);
  if (found == state.targets.releases.end()) return ok();
  if (found->second.sha256 == manifest_sha256)
    return Error{Errc::nothing_to_do, "release " + name + ": is published already"};
  return Error{Errc::invalid,
               "release " + name +
                   ": is published with other content, and what was published never changes; "
                   "compose it with another build time or version"};
}

void warn_of_age(const std::vector<Release>& published, const Release& release,
                 std::vector<std::string>& warnings) {
  if (published.empty()) return;
  const auto& newest = published.back();
  if (older(release, newest))
    warnings.push_back("release " + release.name.text + ": is older than " + newest.name.text +
                       ", so machines install it only where it is asked for by name");
  const auto highest = std::max_element(
      published.begin(), published.end(),
      [](const Release& left, const Release& right) { return left.epoch < right.epoch; });
  if (release.epoch < highest->epoch)
    warnings.push_back("release " + release.name.text + ": its epoch is lower than that of " +
                       highest->name.text + ", so machines that have that one refuse it");
}

}  // namespace

Result<Publisher> Publisher::open(const std::string& path, const std::string& keys,
                                  Passphrases* passphrases) {
  CUBE_TRY(auto repository, ReleaseRepository::open(path));
  CUBE_TRY(auto settings, read_settings(repository.folder()));
  std::string keys_path = keys;
  if (keys_path.empty()) keys_path = settings.keys;
  if (keys_path.empty()) keys_path = path + ".keys";
  return Publisher(std::move(repository), std::move(settings), std::move(keys_path), passphrases);
}

Result<Fd> Publisher::lock() const {
  CUBE_TRY(auto fd, repository_.folder().open_file("publisher/lock", O_RDWR | O_CREAT, 0644));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return Error{Errc::busy, "repository " + repository_.path() +
                                 ": another cube-release is writing to it; try again when it is "
                                 "done"};
  return fd;
}

Status Publisher::add_release(const Release& release) const {
  if (release.name.product != settings_.product)
    return Error{Errc::invalid, "release " + release.name.text +
                                    ": this repository is of product " + settings_.product};
  CUBE_TRY(const auto held, lock());
  auto commit = repository_.check_commit(release.commit);
  if (!commit) return std::move(commit).error().in("release " + release.name.text);
  const auto manifest = render_manifest(release);
  CUBE_TRY(const auto read_back, parse_manifest(manifest));
  CUBE_TRY(const auto state, repository_.published());
  if (state) CUBE_CHECK(check_unchanged(*state, release.name.text, read_back.manifest_sha256));
  return put_pending(release);
}

Status Publisher::put_pending(const Release& release) const {
  CUBE_CHECK(repository_.folder().make_dirs(pending_folder));
  return replace_file(repository_.folder(), pending_file(release.name.text),
                      render_manifest(release));
}

Result<std::vector<Release>> Publisher::pending() const {
  std::vector<Release> releases;
  const auto& folder = repository_.folder();
  if (!folder.exists(pending_folder)) return releases;
  CUBE_TRY(const auto files, folder.list(pending_folder));
  for (const auto& file : files) {
    if (file[0] == '.') continue;  // left by an interrupted write
    CUBE_TRY(const auto text, folder.read_file(pending_folder + "/" + file, max_manifest_bytes));
    auto release = parse_manifest(text);
    if (!release) return std::move(release).error().in(folder.join(pending_folder + "/" + file));
    releases.push_back(std::move(release).value());
  }
  std::sort(releases.begin(), releases.end(), older);
  return releases;
}

Result<std::vector<Release>> Publisher::published() const {
  std::vector<Release> releases;
  CUBE_TRY(const auto state, repository_.published());
  if (!state) return releases;
  for (const auto& [name, file] : state->targets.releases) {
    CUBE_TRY(const auto text, repository_.manifest(name, file));
    auto release = parse_manifest(text);
    if (!release) return std::move(release).error().in("release " + name);
    releases.push_back(std::move(release).value());
  }
  std::sort(releases.begin(), releases.end(), older);
  return releases;
}

Result<Publisher::Run> Publisher::begin(UnixSeconds now, std::optional<std::uint64_t> days) const {
  CUBE_TRY(auto held, lock());
  CUBE_TRY(auto keys, KeyFolder::open(keys_path_, passphrases_));
  CUBE_TRY(auto roots, repository_.roots());
  CUBE_TRY(auto before, repository_.published());
  Run run{
      std::move(held), std::move(keys), std::move(roots.back()), std::move(before), now, days, {}};
  if (run.root.expires < now + root_warning)
    run.result.warnings.push_back("root.json: expires on " + format_utc(run.root.expires) +
                                  "; machines believe nothing after that, so publish a new root");
  return run;
}

Result<Json::Object> Publisher::targets_of(const PublishedState& state) {
  CUBE_TRY(auto body, signed_part(state.targets.text));
  return body.at("targets").object();
}

Result<Json> Publisher::list_body(const Run& run, const DocumentHead& head, Json::Object targets) {
  Json::Object before;
  if (run.before) {
    CUBE_TRY(before, signed_part(run.before->targets.text));
  }
  return targets_body(head, std::move(before), std::move(targets));
}

Result<Publisher::Document> Publisher::make_targets(const Run& run, Json::Object targets) const {
  Document made{"targets", 0, ""};
  CUBE_TRY(made.version, repository_.next_version("targets"));
  const auto days = run.days.value_or(settings_.lifetimes.targets);
  const DocumentHead head{"targets", made.version, run.now + static_cast<UnixSeconds>(days) * day};
  CUBE_TRY(const Json body, list_body(run, head, std::move(targets)));
  CUBE_TRY(made.text, sign_document(body, run.keys, run.root, "targets"));
  CUBE_TRY(const auto read_back, parse_targets(made.text));
  CUBE_CHECK(check_signatures(read_back, run.root, "targets"));
  return made;
}

Result<Publisher::Document> Publisher::make_meta(const Run& run, const std::string& role,
                                                 const std::vector<Document>& described) const {
  Document made{role, 0, ""};
  CUBE_TRY(made.version, repository_.next_version(role));
  const bool is_timestamp = role == "timestamp";
  const auto& usual = settings_.lifetimes;
  const auto days = run.days.value_or(is_timestamp ? usual.timestamp : usual.snapshot);
  const DocumentHead head{role, made.version, run.now + static_cast<UnixSeconds>(days) * day};
  Json::Object before;
  if (run.before) {
    CUBE_TRY(before,
             signed_part(is_timestamp ? run.before->timestamp.text : run.before->snapshot.text));
  }
  for (const auto& document : described) {
    CUBE_TRY(const Json body,
             meta_body(head, std::move(before), document.name, document.version, document.text));
    CUBE_TRY(before, body.object());
  }
  CUBE_TRY(made.text, sign_document(Json(std::move(before)), run.keys, run.root, role));
  if (is_timestamp) {
    CUBE_TRY(const auto read_back, parse_timestamp(made.text));
    CUBE_CHECK(check_signatures(read_back, run.root, role));
  } else {
    CUBE_TRY(const auto read_back, parse_snapshot(made.text));
    CUBE_CHECK(check_signatures(read_back, run.root, role));
  }
  return made;
}

Status Publisher::add_pending(Run& run, Json::Object& targets, std::vector<Document>& manifests,
                              const Targets* only) const {
  CUBE_TRY(const auto waiting, pending());
  CUBE_TRY(const auto known, published());
  for (const auto& release : waiting) {
    const auto& name = release.name.text;
    if (only != nullptr && only->releases.count(name) == 0) continue;
    const auto text = render_manifest(release);
    auto commit = repository_.check_commit(release.commit);
    if (!commit) return std::move(commit).error().in("release " + name);
    manifests.push_back({name, 0, text});
    auto fresh = run.before ? check_unchanged(*run.before, name, to_hex(sha256(text))) : ok();
    if (!fresh && fresh.error().code == Errc::nothing_to_do) continue;
    CUBE_CHECK(std::move(fresh));
    warn_of_age(known, release, run.result.warnings);
    CUBE_CHECK(add_packs(release, targets));
    targets["releases/" + name + "/manifest.json"] = target_file(text);
    run.result.releases.push_back(name);
  }
  return ok();
}

Status Publisher::drop_pending(const std::vector<Document>& manifests) const {
  for (const auto& manifest : manifests)
    CUBE_CHECK(repository_.folder().remove_file(pending_file(manifest.name)));
  return ok();
}

Result<Publisher::Anew> Publisher::make_list(const Run& run, Json::Object targets) const {
  CUBE_TRY(auto list, make_targets(run, std::move(targets)));
  CUBE_TRY(auto anew, with_meta(run, list));
  anew.targets = std::move(list);
  return anew;
}

void erase_release(Json::Object& targets, const std::string& name) {
  std::erase_if(targets, [&](const auto& target) {
    return target.first.starts_with("releases/" + name + "/");
  });
}

Result<Publication> Publisher::withdraw(const std::string& name, UnixSeconds now) const {
  CUBE_TRY(const auto parsed, ReleaseName::parse(name));
  CUBE_TRY(auto run, begin(now, {}));
  const bool waiting = repository_.folder().exists(pending_file(name));
  const bool known = run.before && run.before->targets.releases.count(name) > 0;
  if (!waiting && !known)
    return Error{Errc::invalid, "release " + name + ": is neither published nor pending in " +
                                    repository_.path() + "; see cube-release list"};
  run.result.withdrawn = {name};
  if (known) {
    CUBE_TRY(auto targets, targets_of(*run.before));
    erase_release(targets, name);
    CUBE_TRY(const Anew anew, make_list(run, std::move(targets)));
    CUBE_CHECK(put_and_stage(anew));
    CUBE_CHECK(finish(run, anew));
  }
  CUBE_CHECK(drop_pending({{name, 0, ""}}));
  return std::move(run.result);
}

Result<Publication> Publisher::publish(UnixSeconds now, std::optional<std::uint64_t> days) const {
  CUBE_TRY(auto run, begin(now, days));
  Json::Object targets;
  if (run.before) {
    CUBE_TRY(targets, targets_of(*run.before));
  }
  std::vector<Document> manifests;
  CUBE_CHECK(add_pending(run, targets, manifests, nullptr));
  if (run.result.releases.empty()) {
    CUBE_CHECK(drop_pending(manifests));
    return nothing_pending();
  }
  CUBE_TRY(const Anew anew, make_list(run, std::move(targets)));
  return publish_list(std::move(run), anew, manifests);
}

Error Publisher::nothing_pending() const {
  return {Errc::nothing_to_do,
          "repository " + repository_.path() +
              ": nothing is pending; compose a release first, or sign the metadata anew with "
              "cube-release renew"};
}

Result<Publisher::Anew> Publisher::with_meta(const Run& run, const Document& targets) const {
  Anew anew;
  CUBE_TRY(anew.snapshot, make_meta(run, "snapshot", {targets}));
  CUBE_TRY(anew.timestamp, make_meta(run, "timestamp", {*anew.snapshot}));
  return anew;
}

Result<Publication> Publisher::publish_list(Run run, const Anew& anew,
                                            const std::vector<Document>& manifests) const {
  for (const auto& manifest : manifests)
    CUBE_CHECK(repository_.put_manifest(manifest.name, manifest.text));
  CUBE_CHECK(put_and_stage(anew));
  CUBE_CHECK(finish(run, anew));
  CUBE_CHECK(drop_pending(manifests));
  return std::move(run.result);
}

Status Publisher::put_and_stage(const Anew& anew) const {
  for (const auto& document : anew.delegated)
    CUBE_CHECK(repository_.put_metadata(document.name, document.version, document.text));
  for (const auto& document : {anew.targets, anew.snapshot})
    if (document)
      CUBE_CHECK(repository_.put_metadata(document->name, document->version, document->text));
  return repository_.stage_timestamp(anew.timestamp.text);
}

Status Publisher::finish(Run& run, const Anew& anew) const {
  CUBE_CHECK(repository_.put_timestamp(anew.timestamp.text));
  for (const auto& document : anew.delegated) run.result.signed_roles.push_back(document.name);
  for (const auto& document : {anew.targets, anew.snapshot})
    if (document) run.result.signed_roles.push_back(document->name);
  run.result.signed_roles.emplace_back("timestamp");
  CUBE_TRY(const auto done, parse_timestamp(anew.timestamp.text));
  run.result.expires = done.expires;
  return ok();
}

}  // namespace cube
