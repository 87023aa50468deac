// Publisher::renew, draft_root and publish_root: the same releases under new signatures.
#include "release/publisher_run.h"

namespace cube {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;

Result<bool> can_sign(const KeyFolder& keys, const Root& root, const std::string& role) {
  CUBE_TRY(const auto signers, signers_of(keys, root, role));
  return signers.size() >= root.roles.at(role).threshold;
}

// After a change of keys what is published must be signed anew, if its signatures no longer count.
Status check_can_follow(const PublishedState& state, const KeyFolder& keys, const Root& next) {
  const std::pair<const char*, const Metadata*> documents[] = {
      {"targets", &state.targets}, {"snapshot", &state.snapshot}, {"timestamp", &state.timestamp}};
  bool anew = false;  // what describes a changed document changes, too
  for (const auto& [role, document] : documents) {
    anew = anew || !check_signatures(*document, next, role);
    CUBE_TRY(const bool able, can_sign(keys, next, role));
    if (anew && !able)
      return Error{Errc::untrusted, std::string("next root: ") + role +
                                        ".json must be signed anew under it, and " + keys.path() +
                                        " lacks the private keys; bring them"};
  }
  return ok();
}

}  // namespace

Status Publisher::sign_anew(Run& run) const {
  CUBE_TRY(const bool with_snapshot, can_sign(run.keys, run.root, "snapshot"));
  CUBE_TRY(bool with_targets, can_sign(run.keys, run.root, "targets"));
  with_targets = with_targets && with_snapshot;
  Document of_targets{"targets", run.before->targets.version, run.before->targets.text};
  Document snapshot{"snapshot", run.before->snapshot.version, run.before->snapshot.text};
  if (with_targets) {
    CUBE_TRY(auto targets, targets_of(*run.before));
    CUBE_TRY(of_targets, make_targets(run, std::move(targets)));
  }
  if (with_snapshot) {
    CUBE_TRY(snapshot, make_meta(run, "snapshot", "targets", of_targets));
  }
  CUBE_TRY(const auto timestamp, make_meta(run, "timestamp", "snapshot", snapshot));
  auto& roles = run.result.signed_roles;
  if (with_targets) {
    CUBE_CHECK(repository_.put_metadata("targets", of_targets.version, of_targets.text));
    roles.push_back("targets");
  }
  if (with_snapshot) {
    CUBE_CHECK(repository_.put_metadata("snapshot", snapshot.version, snapshot.text));
    roles.push_back("snapshot");
  }
  CUBE_CHECK(repository_.put_timestamp(timestamp.text));
  roles.push_back("timestamp");
  CUBE_TRY(const auto done, parse_timestamp(timestamp.text));
  run.result.expires = done.expires;
  return ok();
}

Result<Publication> Publisher::renew(UnixSeconds now, std::optional<std::uint64_t> days) const {
  CUBE_TRY(auto run, begin(now, days));
  if (!run.before)
    return Error{Errc::nothing_to_do,
                 "repository " + repository_.path() + ": nothing is published; publish first"};
  CUBE_CHECK(sign_anew(run));
  return std::move(run.result);
}

Result<std::string> Publisher::draft_root(const RootChange& change, UnixSeconds now,
                                          std::optional<std::uint64_t> days) const {
  CUBE_TRY(const auto run, begin(now, {}));
  const auto lifetime = static_cast<UnixSeconds>(days.value_or(settings_.lifetimes.root)) * day;
  CUBE_TRY(const Json body, next_root_body(run.root, change, run.keys, now + lifetime));
  return draft_next_root(body, run.root, run.keys);
}

Result<Publication> Publisher::publish_root(const std::string& text, UnixSeconds now) const {
  CUBE_TRY(auto run, begin(now, {}));
  CUBE_TRY(auto next, parse_root(text));
  CUBE_CHECK(check_next_root(next, run.root));
  if (run.before) CUBE_CHECK(check_can_follow(*run.before, run.keys, next));
  CUBE_CHECK(repository_.put_metadata("root", next.version, text));
  const bool roles_changed = run.root.roles != next.roles;
  run.root = std::move(next);
  run.result.warnings.clear();  // of the root that is no longer the newest
  run.result.signed_roles.push_back("root");
  run.result.expires = run.root.expires;
  if (run.before && roles_changed) CUBE_CHECK(sign_anew(run));
  return std::move(run.result);
}

}  // namespace cube
