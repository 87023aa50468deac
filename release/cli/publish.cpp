// cube-release publish, withdraw, renew.
#include <fmt/format.h>

#include "release/cli/commands.h"
#include "release/cli/drafts.h"
#include "release/cli/exit_code.h"
#include "release/lock_check.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

Json::Array strings(const std::vector<std::string>& texts) {
  return {texts.begin(), texts.end()};
}

}  // namespace

int report(const Common& common, const Publication& done, const std::string& new_key) {
  for (const auto& warning : done.warnings) fmt::print(stderr, "cube-release: {}\n", warning);
  if (common.json) {
    Json::Object told{{"releases", strings(done.releases)},
                      {"withdrawn", strings(done.withdrawn)},
                      {"signed", strings(done.signed_roles)},
                      {"warnings", strings(done.warnings)}};
    if (!done.signed_roles.empty()) told["expires"] = format_utc(done.expires);
    if (!new_key.empty()) told["key"] = new_key;
    fmt::print("{}\n", Json(std::move(told)).line());
    return exit_done;
  }
  for (const auto& name : done.releases) fmt::print("Published {}\n", name);
  for (const auto& name : done.withdrawn) fmt::print("Withdrawn {}\n", name);
  if (done.signed_roles.empty()) return exit_done;
  if (done.releases.empty()) fmt::print("Signed anew: {}\n", fmt::join(done.signed_roles, ", "));
  fmt::print("Renew before {} (cube-release {}).\n", format_utc(done.expires),
             done.signed_roles.back() == "root" ? "root" : "renew");
  return exit_done;
}

namespace {

Result<int> draft_or_publish(const Common& common, const ListCommand& command, bool with_pending) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto now, wall_clock());
  if (with_pending) {
    CUBE_TRY(const auto locks, publisher_locks(publisher, command.locks));
    CUBE_CHECK(demand_locks_of_pending(publisher, locks, now));
  }
  if (!command.draft.empty()) {
    CUBE_TRY(const auto draft, publisher.draft_targets(now, command.days, with_pending));
    return write_draft(common, command.draft, draft);
  }
  if (!command.from_draft.empty()) {
    CUBE_TRY(const auto text, read_draft(command.from_draft));
    CUBE_TRY(const auto done, publisher.publish_targets(text, now, command.days));
    return report(common, done);
  }
  CUBE_TRY(const auto done, with_pending ? publisher.publish(now, command.days)
                                         : publisher.renew(now, command.days));
  return report(common, done);
}

}  // namespace

Result<int> publish(const Common& common, const ListCommand& command) {
  return draft_or_publish(common, command, true);
}

Result<int> withdraw(const Common& common, const std::string& release, const std::string& draft) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path, common.keys, common.passphrases));
  CUBE_TRY(const auto now, wall_clock());
  if (!draft.empty()) {
    CUBE_TRY(const auto list, publisher.draft_withdrawal(release, now));
    return write_draft(common, draft, list);
  }
  CUBE_TRY(const auto done, publisher.withdraw(release, now));
  return report(common, done);
}

Result<int> renew(const Common& common, const ListCommand& command) {
  return draft_or_publish(common, command, false);
}

}  // namespace cube::publish_cli
