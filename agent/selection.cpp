#include "agent/selection.h"

#include <algorithm>

#include "agent/fleet/plan_source.h"
#include "base/mutation.h"

namespace cube {
namespace {

Result<std::string> product_of(Appliance& appliance, const std::string& running) {
  if (const auto& product = appliance.config().config.product; !product.empty()) return product;
  if (const auto name = ReleaseName::parse(running)) return name->product;
  return Error{Errc::invalid,
               "the product of this machine is not known: set `product` in "
               "/etc/cube-update/config.d"};
}

Result<Selection> select_newest(ReleaseChannel& channel, const Journal& journal,
                                const Standing& standing) {
  const auto& running = standing.running;
  const auto& product = standing.product;
  CUBE_TRY(auto names, channel.names());
  std::reverse(names.begin(), names.end());
  const auto running_name = ReleaseName::parse(running);
  std::vector<std::string> passed_over;
  bool any_of_product = false;
  for (const auto& name : names) {
    if (name.product != product) continue;
    any_of_product = true;
    if (running_name && compare_age(name, *running_name) <= 0) break;
    CUBE_TRY(auto release, channel.release(name.text));
    auto status = admissible(release.get(), standing, journal);
    if (status) return Selection{std::move(release), std::move(passed_over)};
    passed_over.push_back(status.error().what);
  }
  if (!passed_over.empty()) return Error{Errc::unsuitable, passed_over.front()};
  if (!any_of_product && !names.empty())
    return Error{Errc::unsuitable, "the repository has no release for product " + product +
                                       "; it has some for " + names.front().product};
  return Error{
      Errc::nothing_to_do,
      "no release newer than " + (running.empty() ? "the running one" : running) + " is offered"};
}

// Of the release with this name, as far as the history knows it.
std::uint64_t known_schema(const Journal& journal, const std::string& release) {
  for (auto attempt = journal.history.rbegin(); attempt != journal.history.rend(); ++attempt)
    if (attempt->release == release) return attempt->schema;
  return 0;
}

// The gate is asked once more before a restart, so what is out of reach now lets nothing begin.
Result<std::map<std::string, std::string>> blocked_here(Appliance& appliance) {
  std::map<std::string, std::string> blocked;
  if (appliance.config().config.fleet_plan) {
    CUBE_TRY(blocked, fleet::blocked_by_plan(appliance.root()));
  }
  const auto cluster = appliance.cluster();
  if (!cluster || *cluster == nullptr) return blocked;
  auto& participant = (*cluster)->participant();
  auto at_gate = participant.blocked_now();
  if (!at_gate) at_gate = participant.blocked();
  if (at_gate)
    for (const auto& [release, why] : *at_gate) blocked[release] = "in its cluster: " + why;
  return blocked;
}

}  // namespace

Result<Standing> standing_of(Appliance& appliance, const Journal& journal,
                             const Insistence& insistence) {
  CUBE_TRY(const auto running, appliance.running_release());
  CUBE_TRY(const auto product, product_of(appliance, running));
  CUBE_TRY(const auto floor, appliance.floor(journal));
  if (const auto name = ReleaseName::parse(running))
    appliance.source().set_not_before(built_at(*name));
  Standing standing{
      product, running, floor, insistence.allow_downgrade, journal.schema, insistence.past_floor};
  if (!insistence.allow_blocked) {
    CUBE_TRY(standing.blocked, blocked_here(appliance));
  }
  return standing;
}

Result<Selection> select_release(Appliance& appliance, const Journal& journal,
                                 const std::string& wanted, const Insistence& insistence) {
  CUBE_TRY(const auto standing, standing_of(appliance, journal, insistence));
  CUBE_TRY(auto* channel, appliance.source().channel());
  if (wanted.empty()) return select_newest(*channel, journal, standing);
  if (wanted == standing.running)
    return Error{Errc::nothing_to_do, wanted + " is the release that runs already"};
  auto offered = channel->release(wanted);
  if (!offered && offered.error().code == Errc::not_found)
    return Error{Errc::unsuitable, std::move(offered).error().what};
  if (!offered) return std::move(offered).error();
  CUBE_CHECK(admissible(offered->get(), standing, journal));
  return Selection{std::move(*offered), {}};
}

Result<Update> return_to_other_slot(Appliance& appliance, const Journal& journal,
                                    const Insistence& insistence) {
  const SlotStore& slots = appliance.machine().slots;
  CUBE_TRY(const auto booted, slots.booted());
  CUBE_TRY(const auto seal, slots.seal_of(other(booted)));
  const std::string slot(to_string(other(booted)));
  if (!seal)
    return Error{Errc::unsuitable, "slot " + slot + " holds no sealed release to return to"};
  CUBE_TRY(const auto floor, appliance.floor(journal));
  if (seal->epoch < floor.epoch)
    return Error{Errc::unsuitable, seal->release + " in slot " + slot + " has security epoch " +
                                       std::to_string(seal->epoch) +
                                       ", below this machine's floor of " +
                                       std::to_string(floor.epoch)};
  Standing standing;
  standing.schema = journal.schema;
  standing.past_floor = insistence.past_floor;
  Update update;
  update.release.schema = known_schema(journal, seal->release);
  CUBE_CHECK(reads_state(seal->release, update.release.schema, standing));
  CUBE_TRY(update.release.name, ReleaseName::parse(seal->release));
  update.release.epoch = seal->epoch;
  update.release.commit = seal->commit;
  update.release.manifest_sha256 = seal->manifest_sha256;
  CUBE_TRY(update.from_release, appliance.running_release());
  update.tries = appliance.config().config.trial_tries;
  update.deadline = appliance.config().config.trial_deadline;
  update.returning = true;
  return update;
}

Result<Update> rehearsal_in_other_slot(Appliance& appliance, const Journal& journal,
                                       Rehearsal how) {
  CUBE_TRY(auto update, return_to_other_slot(appliance, journal, {}));
  CUBE_TRY(const auto booted, appliance.machine().slots.booted());
  CUBE_TRY(const auto there, appliance.look_into(other(booted)));
  if (!rehearses_failures(there.tree()) && !mutated("rehearsed-by-who-knows-not"))
    return Error{Errc::unsuitable,
                 update.release.name.text + " in slot " + std::string(to_string(other(booted))) +
                     " has a cube-update that does not know of rehearsals; after the next update "
                     "the slot holds the release that runs now"};
  update.tries = 1;
  update.rehearsal = how;
  return update;
}

}  // namespace cube
