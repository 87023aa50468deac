// Publisher::draft_targets and publish_targets: a list that is signed by holders who never meet.
#include "release/draft.h"
#include "release/publisher_run.h"

namespace cube {
namespace {

constexpr UnixSeconds day = 24 * 60 * 60;

Error drafted_anew(const std::string& why) {
  return {Errc::invalid, "draft of targets: " + why + "; draft it anew"};
}

Status check_enough(const Targets& draft, const Root& root, UnixSeconds now) {
  if (draft.expires <= now) return drafted_anew("it expired on " + format_utc(draft.expires));
  auto enough = check_signatures(draft, root, "targets");
  if (enough) return ok();
  return Error{Errc::untrusted, "draft of targets: it is " + enough.error().what +
                                    "; let each holder of a key sign it (cube-release sign)"};
}

}  // namespace

Result<std::string> Publisher::draft_withdrawal(const std::string& name, UnixSeconds now) const {
  CUBE_TRY(const auto run, begin(now, {}));
  if (!run.before || run.before->targets.releases.count(name) == 0)
    return Error{Errc::invalid, "release " + name + ": is not published in " + repository_.path() +
                                    "; see cube-release list"};
  CUBE_TRY(auto targets, targets_of(*run.before));
  erase_release(targets, name);
  return draft_list(run, std::move(targets), settings_.lifetimes.targets);
}

Result<std::string> Publisher::draft_list(const Run& run, Json::Object targets,
                                          std::uint64_t days) const {
  CUBE_TRY(const auto version, repository_.next_version("targets"));
  const auto expires = run.now + static_cast<UnixSeconds>(days) * day;
  CUBE_TRY(const Json body, list_body(run, {"targets", version, expires}, std::move(targets)));
  CUBE_TRY(const auto signers, signers_of(run.keys, run.root, "targets"));
  return sign_with(body, signers);
}

Result<std::string> Publisher::draft_targets(UnixSeconds now, std::optional<std::uint64_t> days,
                                             bool with_pending) const {
  CUBE_TRY(auto run, begin(now, days));
  Json::Object targets;
  if (run.before) {
    CUBE_TRY(targets, targets_of(*run.before));
  }
  std::vector<Document> manifests;
  if (with_pending) CUBE_CHECK(add_pending(run, targets, manifests, nullptr));
  if (run.result.releases.empty() && (with_pending || !run.before)) return nothing_pending();
  return draft_list(run, std::move(targets), days.value_or(settings_.lifetimes.targets));
}

// The body is made again from what is here, so nothing can be in a draft but that; but releases may
// be missing: its holders were told so when they signed.
Result<Publication> Publisher::publish_targets(const std::string& text, UnixSeconds now,
                                               std::optional<std::uint64_t> days) const {
  CUBE_TRY(auto run, begin(now, days));
  CUBE_TRY(const auto draft, parse_targets(text));
  CUBE_TRY(const auto next, repository_.next_version("targets"));
  const bool put_before = repository_.has_metadata("targets", draft.version, text) &&
                          !(run.before && run.before->targets.version >= draft.version);
  if (draft.version != next && !put_before)
    return drafted_anew("it is version " + std::to_string(draft.version) + ", but " +
                        std::to_string(next) + " is next");
  CUBE_CHECK(check_enough(draft, run.root, now));
  Json::Object targets;
  if (run.before) {
    CUBE_TRY(targets, targets_of(*run.before));
    for (const auto& [name, file] : run.before->targets.releases) {
      if (draft.releases.count(name) > 0) continue;
      erase_release(targets, name);
      run.result.withdrawn.push_back(name);
    }
  }
  std::vector<Document> manifests;
  CUBE_CHECK(add_pending(run, targets, manifests, &draft));
  CUBE_TRY(const Json body, list_body(run, {"targets", draft.version, draft.expires}, targets));
  if (body.canonical() != draft.covered)
    return drafted_anew(
        "it is not the published list with what is pending here, or without releases");
  const Document list{"targets", draft.version, text};
  CUBE_TRY(auto anew, with_meta(run, list));
  if (!put_before) anew.targets = list;
  return publish_list(std::move(run), anew, manifests);
}

}  // namespace cube
