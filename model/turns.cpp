#include "model/turns.h"

#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "model/policy.h"

namespace cube {
namespace {

std::string cut(std::string text) {
  if (text.size() <= max_detail) return text;
  std::size_t end = max_detail;  // of a whole character
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.resize(end);
  return text;
}

// Once per release; the oldest go when the list is full.
void deny(Journal& journal, Denied denied) {
  std::erase_if(journal.denied,
                [&](const Denied& earlier) { return earlier.release == denied.release; });
  journal.denied.push_back(std::move(denied));
  if (journal.denied.size() > max_denied) journal.denied.erase(journal.denied.begin());
}

// Where the clock was set back meanwhile, nobody knows.
Seconds away(const World& world, const Update& update, Outcome outcome) {
  const bool came_back = outcome == Outcome::rolled_back || outcome == Outcome::rehearsed;
  const bool left = came_back && update.left > 0;
  return left ? std::max<Seconds>(0, world.now - update.left) : 0;
}

}  // namespace

Step record(Journal journal, Phase phase) {
  journal.phase = std::move(phase);
  return step::Record{std::move(journal)};
}

Step fail(Errc code, std::string what) {
  return step::Fail{Error{code, std::move(what)}};
}

Step fail_bad_records(const World& world) {
  const std::string why = world.boot_error.empty() ? "" : " (" + world.boot_error + ")";
  return fail(Errc::cannot_arm,
              "the boot loader's records cannot be read or disagree, so no update can be armed "
              "safely" +
                  why + "; check them and run `cube-update commit` to write them anew");
}

Update counted(Update update, const World& world) {
  if (world.boot && world.boot->trial && world.boot->trial->slot == update.target)
    update.tries_seen = world.boot->trial->tries_done;
  return update;
}

Step finish(Journal journal, const World& world, const Update& update, Outcome outcome, Why why) {
  why.detail = cut(std::move(why.detail));
  if (outcome == Outcome::rolled_back)
    deny(journal, {update.release.name.text, update.release.manifest_sha256,
                   std::string(to_string(why.cause))});
  if (outcome == Outcome::committed && !update.returning) {
    const Floor reached{update.release.epoch, update.release.name.text};
    journal.floor = mutated("floor-sinks") ? reached : higher(journal.floor, reached);
  }
  if (outcome == Outcome::committed) journal.schema = update.release.schema;
  // Who made the machine ready for the restart hears of its end, also where nothing came of it.
  const bool heard = outcome != Outcome::abandoned || update.drained;
  if (heard && !mutated("hooks-not-due")) journal.hooks_due = update.attempt;
  if (outcome == Outcome::committed && update.returning && !update.from_release.empty())
    deny(journal, {update.from_release, "", std::string(to_string(Cause::rollback_asked))});
  journal.history.push_back(
      {update.attempt, update.release.name.text, update.from_release, update.target, update.started,
       world.now, counted(update, world).tries_seen, outcome, std::move(why), update.release.schema,
       update.rehearsal, away(world, update, outcome), update.waived});
  if (journal.history.size() > max_history) journal.history.erase(journal.history.begin());
  return record(std::move(journal), Idle{});
}

Step abandon(const Journal& journal, const World& world, const Update& update, Cause cause) {
  return finish(journal, world, update, Outcome::abandoned,
                {cause, world.failure ? world.failure->what : ""});
}

Step begin_rolling_back(const Journal& journal, const World& world, const Update& update,
                        Cause cause, std::string detail) {
  return record(journal, RollingBack{counted(update, world), {cause, cut(std::move(detail))}});
}

Step arm_again(const Journal& journal, const World& world, Update update) {
  update.tries_seen = world.boot->trial ? world.boot->trial->tries_done : 0;
  update.armings += 1;
  update.tried_in.clear();
  update.left = 0;
  return record(journal, Arming{std::move(update)});
}

std::string cut_detail(const std::string& text) {
  return cut(text);
}

std::string not_by_firmware(const World& world) {
  if (world.started_by == StartedBy::kexec) return "kexec";
  return world.started_by == StartedBy::soft_reboot ? "a soft reboot" : "";
}

bool wants_release(const World& world) {
  return world.wish == Wish::apply || world.wish == Wish::fetch;
}

bool running(const World& world, const Update& update) {
  return world.booted == update.target;
}

}  // namespace cube
