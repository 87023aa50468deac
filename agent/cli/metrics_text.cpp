#include <array>
#include <utility>

#include "agent/cli/metrics_page.h"

namespace cube::cli {
namespace {

std::string word(std::string_view text) {
  return std::string(text);
}

template <std::size_t... index>
std::array<Phase, sizeof...(index)> each_phase(std::index_sequence<index...>) {
  return {Phase(std::in_place_index<index>)...};
}

// One sample for each phase, so that a query needs no `absent()`.
void add_phases(MetricsPage& page, const Phase& now) {
  page.metric("phase", "gauge",
              "Where an update stands: 1 for the present phase, 0 for the others.");
  for (const auto& phase : each_phase(std::make_index_sequence<std::variant_size_v<Phase>>()))
    page.sample({{"phase", word(name_of(phase))}}, phase.index() == now.index() ? 1 : 0);
}

void add_update(MetricsPage& page, const Update& update) {
  page.metric("pending_info", "gauge", "The update under way.");
  page.sample({{"release", update.release.name.text}, {"target", word(to_string(update.target))}},
              1);
  page.gauge("pending_started_timestamp_seconds", "When the update under way began.",
             update.started);
}

void add_last(MetricsPage& page, const Attempt& last) {
  page.metric("last_outcome", "gauge",
              "What came of the last update: 1 for its outcome, 0 for the others.");
  for (const auto outcome :
       {Outcome::committed, Outcome::rolled_back, Outcome::abandoned, Outcome::rehearsed})
    page.sample({{"outcome", word(to_string(outcome))}}, outcome == last.outcome ? 1 : 0);
  page.metric("last_update_info", "gauge", "The last update that ended, and why it ended so.");
  page.sample({{"release", last.release},
               {"outcome", word(to_string(last.outcome))},
               {"cause", word(to_string(last.why.cause))}},
              1);
  page.gauge("last_update_ended_timestamp_seconds", "When the last update ended.", last.ended);
}

void add_boot(MetricsPage& page, const MetricFacts& facts) {
  page.gauge("boot_records_ok",
             "Whether the boot loader's records are whole, so that an update could be armed.",
             facts.boot ? 1 : 0);
  if (!facts.boot) return;
  page.gauge("running_is_fallback", "Whether the slot that runs is the fallback.",
             facts.boot->fallback == facts.booted ? 1 : 0);
  if (!facts.boot->trial) return;
  const MetricLabels slot{{"slot", word(to_string(facts.boot->trial->slot))}};
  page.metric("trial_tries_left", "gauge", "How often the loader may still start the trial.");
  page.sample(slot, facts.boot->trial->tries_left);
  page.metric("trial_tries_done", "gauge", "How often the loader has started the trial.");
  page.sample(slot, facts.boot->trial->tries_done);
}

}  // namespace

std::string metrics_text(const MetricFacts& facts) {
  MetricsPage page;
  page.metric("info", "gauge",
              "The program, the slot and the release that run, and the boot loader.");
  page.sample({{"version", facts.version},
               {"slot", word(to_string(facts.booted))},
               {"release", facts.release},
               {"loader", facts.loader}},
              1);
  add_boot(page, facts);
  add_phases(page, facts.journal.phase);
  if (const Update* update = update_of(facts.journal.phase)) add_update(page, *update);
  page.metric("updates_total", "counter", "Updates that were begun on this machine.");
  page.sample({}, static_cast<std::int64_t>(facts.journal.attempts));
  if (!facts.journal.history.empty()) add_last(page, facts.journal.history.back());
  page.gauge("denied_releases", "Releases that are not installed here.",
             static_cast<std::int64_t>(facts.journal.denied.size()));
  page.gauge("floor_epoch", "Lowest security epoch of a release that this machine accepts.",
             static_cast<std::int64_t>(facts.floor.epoch));
  if (facts.last_look > 0)
    page.gauge("last_look_timestamp_seconds", "When the timer looked for a release last.",
               facts.last_look);
  add_fleet(page, facts);
  return page.take();
}

}  // namespace cube::cli
