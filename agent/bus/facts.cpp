#include "agent/bus/facts.h"

#include "agent/bus/job_output.h"

namespace cube {
namespace {

bool truth_at(const Json& object, const std::string& key) {
  const auto member = object.member(key);
  const auto truth = member ? member->boolean() : Result<bool>(Error{});
  return truth && *truth;
}

// A member that is an object; nullopt for null, missing, or another thing.
std::optional<Json> object_at(const Json& object, const std::string& key) {
  auto member = object.member(key);
  if (!member || !member->object()) return std::nullopt;
  return std::move(*member);
}

Facts::Slot slot_of(const Json& slot) {
  Facts::Slot facts;
  const auto member = slot.member("sealed");
  const auto sealed = member ? member->boolean() : Result<bool>(Error{});
  if (sealed) facts.sealed = *sealed ? "yes" : "no";
  facts.release = text_at(slot, "release");
  facts.epoch = number_at(slot, "epoch");
  return facts;
}

}  // namespace

Facts facts_of(const Json& status) {
  if (!status.object()) return unknown_facts("cube-update status: no answer that makes sense");
  Facts facts;
  facts.phase = text_at(status, "phase");
  if (const auto update = object_at(status, "update")) facts.update = text_at(*update, "release");
  facts.waits = text_at(status, "waits");
  facts.booted = text_at(status, "booted");
  facts.fallback = text_at(status, "fallback");
  facts.boot_records = text_at(status, "boot_records");
  if (const auto slots = object_at(status, "slots")) {
    if (const auto slot = object_at(*slots, "a")) facts.a = slot_of(*slot);
    if (const auto slot = object_at(*slots, "b")) facts.b = slot_of(*slot);
  }
  if (const auto trial = object_at(status, "trial"))
    facts.trial = Facts::Trial{text_at(*trial, "slot"), number_at(*trial, "tries_left"),
                               number_at(*trial, "tries_done"), truth_at(*trial, "offered")};
  if (const auto last = object_at(status, "last_outcome"))
    facts.last_outcome = Facts::Outcome{number_at(*last, "attempt"), text_at(*last, "release"),
                                        text_at(*last, "outcome"),   text_at(*last, "cause"),
                                        text_at(*last, "detail"),    text_at(*last, "ended")};
  return facts;
}

Facts unknown_facts(const std::string& problem) {
  Facts facts;
  facts.problem = one_line(problem);
  return facts;
}

std::int32_t percent(const Progress& progress) {
  if (progress.total == 0) return 0;
  if (progress.done >= progress.total) return 100;
  return static_cast<std::int32_t>(static_cast<double>(progress.done) /
                                   static_cast<double>(progress.total) * 100.0);
}

}  // namespace cube
