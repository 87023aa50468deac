#include <fmt/format.h>

#include <algorithm>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/lock.h"

namespace cube::cli {
namespace {

// Loads, changes and saves the journal under the lock. `change` says whether it changed anything.
template <typename Change>
Result<int> edit_journal(const Common& common, Change change) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  CUBE_TRY(auto journal, appliance->journal().load());
  if (!change(journal)) return exit_nothing_to_do;
  CUBE_CHECK(appliance->journal().save(journal));
  return exit_done;
}

}  // namespace

Result<int> deny(const Common& common, const std::string& release, const std::string& reason) {
  CUBE_TRY(const auto name, ReleaseName::parse(release));
  if (reason.size() > 40 || std::any_of(reason.begin(), reason.end(), [](unsigned char c) {
        return c < 0x20 || c == 0x7f;
      }))
    return Error{Errc::invalid, "the reason has at most 40 printable characters"};
  return edit_journal(common, [&](Journal& journal) {
    std::erase_if(journal.denied, [&](const Denied& entry) { return entry.release == name.text; });
    if (journal.denied.size() == max_denied) journal.denied.erase(journal.denied.begin());
    journal.denied.push_back({name.text, "", reason});
    if (!common.json) fmt::print("{} is denied on this machine\n", name.text);
    return true;
  });
}

Result<int> allow(const Common& common, const std::string& release) {
  CUBE_TRY(const auto name, ReleaseName::parse(release));
  return edit_journal(common, [&](Journal& journal) {
    const auto gone = std::erase_if(
        journal.denied, [&](const Denied& entry) { return entry.release == name.text; });
    if (!common.json)
      fmt::print("{} {}\n", name.text, gone > 0 ? "is allowed again" : "was not denied");
    return gone > 0;
  });
}

}  // namespace cube::cli
