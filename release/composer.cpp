#include "release/composer.h"

#include <filesystem>
#include <optional>
#include <utility>

#include "release/lock_check.h"
#include "release/release_inventory.h"

namespace cube {
namespace {

constexpr std::size_t source_digits = 8;
constexpr std::uint64_t max_epoch = (std::uint64_t{1} << 53) - 1;  // of a manifest

std::string built_at(UnixSeconds time) {
  const auto utc = format_utc(time);  // 2026-11-25T20:55:00Z
  return utc.substr(0, 4) + utc.substr(5, 2) + utc.substr(8, 2) + "-" + utc.substr(11, 2) +
         utc.substr(14, 2);
}

Result<UnixSeconds> time_of(const std::string& built) {
  const Error wrong{Errc::invalid, "build time \"" + built +
                                       "\": is not YYYYMMDD-HHMM in UTC, as in 20261125-2055"};
  if (built.size() != 13 || built[8] != '-') return wrong;
  auto time = parse_utc(built.substr(0, 4) + "-" + built.substr(4, 2) + "-" + built.substr(6, 2) +
                        "T" + built.substr(9, 2) + ":" + built.substr(11, 2) + ":00Z");
  if (!time) return wrong;
  return time;
}

Result<ReleaseName> name_of(const Publisher& publisher, const ComposeRequest& request,
                            const std::string& built, const std::string& source) {
  return ReleaseName::parse(publisher.settings().product + "_" + request.version + "_" + built +
                            "_" + source);
}

// What is wrong is said before a large tree is read for minutes.
Status check_request(const Publisher& publisher, const ComposeRequest& request,
                     const std::string& built) {
  if (!Version::parse(request.version))
    return Error{Errc::invalid, "version \"" + request.version +
                                    "\": is not dotted numbers, at most 6 of at most 9 digits, as "
                                    "in 2.2.4"};
  if (request.epoch > max_epoch) return Error{Errc::invalid, "epoch: must be below 2^53"};
  if (request.schema > max_epoch) return Error{Errc::invalid, "schema: must be below 2^53"};
  CUBE_TRY(const auto name, name_of(publisher, request, built, "00000000"));
  if (!request.source.empty() && !name_of(publisher, request, built, request.source))
    return Error{Errc::invalid,
                 "source \"" + request.source + "\": is not 4 to 40 lower-case hex digits"};
  return ok();
}

Result<Composed> commit(ArchiveRepository& objects, const std::string& tree,
                        const ComposeOptions& options) {
  std::error_code error;
  const auto status = std::filesystem::status(tree, error);
  if (std::filesystem::is_directory(status)) return objects.commit_tree(tree, options);
  if (std::filesystem::is_regular_file(status)) return objects.commit_tar(tree, options);
  return Error{Errc::invalid,
               "tree " + tree +
                   ": is neither a folder nor a file; name the root file system or a "
                   "tar archive of it"};
}

// The waivers that go with the release.
Result<insight::Waivers> given_waivers(const ComposeRequest& request, UnixSeconds built) {
  insight::Waivers given = request.waivers;
  if (given.size() > insight::max_waivers) return Error{Errc::invalid, "more than 64 waivers"};
  for (auto& waiver : given) {
    waiver.by = insight::WaivedBy::publisher;
    waiver.given = built;
    CUBE_CHECK(check_waiver(waiver));
  }
  return given;
}

// Whether the tree that becomes a release keeps the publisher's rules.
class TreeJudge {
 public:
  TreeJudge(insight::LockPolicy policy, std::optional<insight::Inventory> before,
            insight::Waivers waivers, const ComposeRequest& request, UnixSeconds now)
      : policy_(std::move(policy)),
        before_(std::move(before)),
        waivers_(std::move(waivers)),
        request_(request),
        now_(now) {}

  Status judge(const std::string& tree, const insight::Inventory& inventory) {
    std::error_code error;
    const auto own = tree + "/" + insight::release_waivers_path;
    if (std::filesystem::symlink_status(own, error).type() != std::filesystem::file_type::not_found)
      return Error{Errc::invalid, std::string(insight::release_waivers_path) +
                                      " is in the tree: waivers come with --waive only; remove it"};
    judged_ = true;
    return decide(lock_breaches(policy_, inventory, before_ ? &*before_ : nullptr));
  }
  // For a tree that has no place for an inventory.
  Status judge_unseen() {
    if (judged_) return ok();
    if (!waivers_.empty())
      return Error{Errc::invalid,
                   "usr/lib/cube-update is no folder in the tree: it has no place "
                   "for waivers"};
    return decide(unchecked_locks(policy_, "usr/lib/cube-update is no folder in the tree"));
  }

 private:
  Status decide(insight::Findings findings) {
    apply_waivers(waivers_, now_, findings);
    for (const auto& finding : findings)
      if (!finding.refuses()) request_.on_finding(finding);
    return demand_locks(findings);
  }

  insight::LockPolicy policy_;
  std::optional<insight::Inventory> before_;
  insight::Waivers waivers_;
  const ComposeRequest& request_;
  UnixSeconds now_;
  bool judged_ = false;
};

// The files that a release has besides its tree.
std::vector<MadeFile> made_files(TreeJudge& judge, const insight::Waivers& waivers) {
  std::vector<MadeFile> made{
      made_inventory([&judge](const std::string& tree, const insight::Inventory& inventory) {
        return judge.judge(tree, inventory);
      })};
  if (!waivers.empty())
    made.push_back({std::string("/") + insight::release_waivers_path,
                    [text = waivers_text(waivers)](const std::string&, const std::string&) {
                      return Result<std::string>(text);
                    }});
  return made;
}

}  // namespace

Result<Release> compose_release(const Publisher& publisher, const ComposeRequest& request,
                                UnixSeconds now) {
  const std::string built = request.built.empty() ? built_at(now) : request.built;
  CUBE_TRY(const auto time, time_of(built));
  CUBE_CHECK(check_request(publisher, request, built));
  CUBE_TRY(const auto waivers, given_waivers(request, time));
  CUBE_TRY(auto policy, publisher_locks(publisher, request.locks));
  CUBE_TRY(const auto dated, name_of(publisher, request, built, "00000000"));
  std::optional<insight::Inventory> before;
  if (!policy.empty()) {
    CUBE_TRY(before, inventory_before(publisher, dated));
  }
  TreeJudge judge(std::move(policy), std::move(before), waivers, request, now);
  CUBE_TRY(auto objects, ArchiveRepository::create(publisher.repository().object_path()));
  const std::string branch = publisher.settings().product + "/" + request.version + "_" + built;
  CUBE_TRY(auto composed,
           commit(objects, request.tree,
                  {branch, time, request.keep_owners, request.expand, made_files(judge, waivers)}));
  CUBE_CHECK(judge.judge_unseen());
  Release release;
  const auto& source = request.source;
  CUBE_TRY(release.name,
           name_of(publisher, request, built,
                   source.empty() ? composed.commit.substr(0, source_digits) : source));
  release.epoch = request.epoch;
  release.commit = composed.commit;
  release.tree_bytes = composed.tree_bytes;
  release.tree_inodes = composed.tree_inodes;
  release.kernel_release = composed.kernel_release;
  release.trial_deadline = request.trial_deadline;
  release.schema = request.schema;
  CUBE_CHECK(publisher.add_release(release));
  return release;
}

}  // namespace cube
