// Publisher::renew, draft_root and publish_root: the same releases under new signatures.
#include "release/delegates.h"
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

Result<Publisher::Anew> Publisher::make_anew(const Run& run) const {
  CUBE_TRY(const bool with_snapshot, can_sign(run.keys, run.root, "snapshot"));
  CUBE_TRY(const bool with_targets, can_sign(run.keys, run.root, "targets"));
  const auto& before = *run.before;
  Document of_targets{"targets", before.targets.version, before.targets.text};
  Document of_snapshot{"snapshot", before.snapshot.version, before.snapshot.text};
  Anew anew;
  if (with_targets && with_snapshot) {
    CUBE_TRY(auto targets, targets_of(before));
    CUBE_TRY(anew.targets, make_targets(run, std::move(targets)));
  }
  if (with_snapshot) {
    CUBE_TRY(anew.delegated, Delegates(*this).renewed(run));
    auto described = anew.delegated;
    described.push_back(anew.targets ? *anew.targets : of_targets);
    CUBE_TRY(anew.snapshot, make_meta(run, "snapshot", described));
  }
  CUBE_TRY(anew.timestamp,
           make_meta(run, "timestamp", {anew.snapshot ? *anew.snapshot : of_snapshot}));
  return anew;
}

Result<Publication> Publisher::renew(UnixSeconds now, std::optional<std::uint64_t> days) const {
  CUBE_TRY(auto run, begin(now, days));
  if (!run.before)
    return Error{Errc::nothing_to_do,
                 "repository " + repository_.path() + ": nothing is published; publish first"};
  CUBE_TRY(const auto anew, make_anew(run));
  CUBE_CHECK(put_and_stage(anew));
  CUBE_CHECK(finish(run, anew));
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
  const bool roles_changed = run.root.roles != next.roles;
  run.root = std::move(next);
  run.result.warnings.clear();  // of the root that is no longer the newest
  run.result.signed_roles.emplace_back("root");
  run.result.expires = run.root.expires;
  std::optional<Anew> anew;
  if (run.before && roles_changed) {
    CUBE_TRY(anew, make_anew(run));
    CUBE_CHECK(put_and_stage(*anew));
  }
  CUBE_CHECK(repository_.put_metadata("root", run.root.version, text));
  if (anew) CUBE_CHECK(finish(run, *anew));
  return std::move(run.result);
}

}  // namespace cube
