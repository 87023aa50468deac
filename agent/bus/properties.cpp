#include "agent/bus/properties.h"

#include <systemd/sd-bus.h>

#include <array>

namespace cube::bus {
namespace {

struct Property {
  const char* name;
  const char* signature;
  int (*append)(sd_bus_message*, const Shown&);
};

int append_text(sd_bus_message* to, const std::string& text) {
  return sd_bus_message_append(to, "s", text.c_str());
}

int append_slot(sd_bus_message* to, const char* name, const Facts::Slot& slot) {
  return sd_bus_message_append(to, "{sa{sv}}", name, 3, "sealed", "s", slot.sealed.c_str(),
                               "release", "s", slot.release.c_str(), "epoch", "t", slot.epoch);
}

int append_slots(sd_bus_message* to, const Shown& shown) {
  int r = sd_bus_message_open_container(to, 'a', "{sa{sv}}");
  if (r >= 0) r = append_slot(to, "a", shown.facts.a);
  if (r >= 0) r = append_slot(to, "b", shown.facts.b);
  return r < 0 ? r : sd_bus_message_close_container(to);
}

int append_trial(sd_bus_message* to, const Shown& shown) {
  const auto& trial = shown.facts.trial;
  if (!trial) return sd_bus_message_append(to, "a{sv}", 0);
  return sd_bus_message_append(to, "a{sv}", 4, "slot", "s", trial->slot.c_str(), "tries-left", "t",
                               trial->tries_left, "tries-done", "t", trial->tries_done, "offered",
                               "b", trial->offered ? 1 : 0);
}

int append_outcome(sd_bus_message* to, const Shown& shown) {
  const auto& last = shown.facts.last_outcome;
  if (!last) return sd_bus_message_append(to, "a{sv}", 0);
  return sd_bus_message_append(to, "a{sv}", 6, "attempt", "t", last->attempt, "release", "s",
                               last->release.c_str(), "outcome", "s", last->outcome.c_str(),
                               "cause", "s", last->cause.c_str(), "detail", "s",
                               last->detail.c_str(), "ended", "s", last->ended.c_str());
}

int append_progress(sd_bus_message* to, const Shown& shown) {
  constexpr int depth = 1;
  return sd_bus_message_append(to, "(isi)", percent(shown.progress), shown.says.c_str(), depth);
}

int append_amount(sd_bus_message* to, const Shown& shown) {
  return sd_bus_message_append(to, "(tts)", shown.progress.done, shown.progress.total,
                               shown.progress.unit.c_str());
}

template <std::string Facts::*member>
int append_member(sd_bus_message* to, const Shown& shown) {
  return append_text(to, shown.facts.*member);
}

constexpr std::array<Property, 12> properties{{
    {"Phase", "s", &append_member<&Facts::phase>},
    {"Update", "s", &append_member<&Facts::update>},
    {"Waits", "s", &append_member<&Facts::waits>},
    {"Slots", "a{sa{sv}}", &append_slots},
    {"Booted", "s", &append_member<&Facts::booted>},
    {"Fallback", "s", &append_member<&Facts::fallback>},
    {"Trial", "a{sv}", &append_trial},
    {"BootRecords", "s", &append_member<&Facts::boot_records>},
    {"LastOutcome", "a{sv}", &append_outcome},
    {"Problem", "s", &append_member<&Facts::problem>},
    {"Progress", "(isi)", &append_progress},
    {"Amount", "(tts)", &append_amount},
}};

const Property* find(std::string_view name) {
  for (const auto& property : properties)
    if (property.name == name) return &property;
  return nullptr;
}

}  // namespace

const char* signature_of(std::string_view property) {
  const auto* found = find(property);
  return found == nullptr ? nullptr : found->signature;
}

int append_value(sd_bus_message* to, std::string_view property, const Shown& shown) {
  const auto* found = find(property);
  return found == nullptr ? -ENOENT : found->append(to, shown);
}

int append_all(sd_bus_message* to, const Shown& shown) {
  int r = sd_bus_message_open_container(to, 'a', "{sv}");
  for (const auto& property : properties) {
    if (r >= 0) r = sd_bus_message_open_container(to, 'e', "sv");
    if (r >= 0) r = sd_bus_message_append(to, "s", property.name);
    if (r >= 0) r = sd_bus_message_open_container(to, 'v', property.signature);
    if (r >= 0) r = property.append(to, shown);
    if (r >= 0) r = sd_bus_message_close_container(to);
    if (r >= 0) r = sd_bus_message_close_container(to);
  }
  return r < 0 ? r : sd_bus_message_close_container(to);
}

std::vector<const char*> changed(const Facts& before, const Facts& after) {
  std::vector<const char*> names;
  const auto add = [&](bool same, const char* name) {
    if (!same) names.push_back(name);
  };
  add(before.phase == after.phase, "Phase");
  add(before.update == after.update, "Update");
  add(before.waits == after.waits, "Waits");
  add(before.a == after.a && before.b == after.b, "Slots");
  add(before.booted == after.booted, "Booted");
  add(before.fallback == after.fallback, "Fallback");
  add(before.trial == after.trial, "Trial");
  add(before.boot_records == after.boot_records, "BootRecords");
  add(before.last_outcome == after.last_outcome, "LastOutcome");
  add(before.problem == after.problem, "Problem");
  names.push_back(nullptr);
  return names;
}

}  // namespace cube::bus
