#include "agent/cli/render.h"

#include <fmt/format.h>

#include "agent/health/verdict_file.h"
#include "agent/virtual_boot/virtual_boot_record.h"
#include "base/clock.h"

namespace cube::cli {
namespace {

Json text(std::string_view view) {
  return Json(std::string(view));
}

Json rehearsal_json(Rehearsal rehearsal) {
  return rehearsal == Rehearsal::none ? Json() : text(to_string(rehearsal));
}

Json texts(const std::vector<std::string>& lines) {
  return Json(Json::Array(lines.begin(), lines.end()));
}

Json update_json(const Update& update) {
  Json::Object object{
      {"attempt", update.attempt},
      {"release", update.release.name.text},
      {"from_release", update.from_release},
      {"target", text(to_string(update.target))},
      {"tries", update.tries},
      {"armings", update.armings},
      {"deadline_seconds", update.deadline},
      {"started", format_utc(update.started)},
      {"source", update.source},
      {"start", text(to_string(update.start))},
      {"held", update.held.empty() ? Json() : Json(update.held)},
      {"failed_before", texts(update.failed_before)},
      {"schema", update.release.schema},
      {"waived", texts(update.waived)},
      {"rehearsal", rehearsal_json(update.rehearsal)},
      {"not_before", update.not_before > 0 ? Json(format_utc(update.not_before)) : Json()}};
  return Json(std::move(object));
}

const std::optional<Seal>& seal_of(SlotId slot, const StatusFacts& facts) {
  return slot == SlotId::a ? facts.seal_a : facts.seal_b;
}

bool in_work(SlotId slot, const StatusFacts& facts) {
  return slot != facts.booted && facts.other_slot_in_work;
}

Json slot_json(SlotId slot, const StatusFacts& facts) {
  if (in_work(slot, facts)) return Json(Json::Object{{"sealed", Json()}});
  const auto& seal = seal_of(slot, facts);
  if (!seal) return Json(Json::Object{{"sealed", false}});
  return Json(Json::Object{{"sealed", true},
                           {"release", seal->release},
                           {"commit", seal->commit},
                           {"epoch", seal->epoch}});
}

Json trial_json(const BootState& boot) {
  if (!boot.trial) return Json();
  return Json(Json::Object{{"slot", text(to_string(boot.trial->slot))},
                           {"tries_left", boot.trial->tries_left},
                           {"tries_done", boot.trial->tries_done},
                           {"offered", boot.offered}});
}

std::string slot_text(SlotId slot, const StatusFacts& facts) {
  const auto& seal = seal_of(slot, facts);
  std::string line = fmt::format("slot {}    {}", to_string(slot),
                                 in_work(slot, facts) ? "(an update works there)"
                                 : seal               ? seal->release
                                                      : "(no seal)");
  if (slot == facts.booted) line += "  [running]";
  if (facts.boot && facts.boot->fallback == slot) line += "  [fallback]";
  if (facts.boot && facts.boot->trial && facts.boot->trial->slot == slot)
    line += fmt::format("  [trial: {} started, {} left{}]", facts.boot->trial->tries_done,
                        facts.boot->trial->tries_left, facts.boot->offered ? ", next boot" : "");
  return line + "\n";
}

}  // namespace

Json::Object attempt_json(const Attempt& attempt) {
  return {{"attempt", attempt.number},
          {"release", attempt.release},
          {"from_release", attempt.from_release},
          {"target", text(to_string(attempt.target))},
          {"started", format_utc(attempt.started)},
          {"ended", format_utc(attempt.ended)},
          {"tries_done", attempt.tries_done},
          {"outcome", text(to_string(attempt.outcome))},
          {"cause", text(to_string(attempt.why.cause))},
          {"schema", attempt.schema},
          {"waived", texts(attempt.waived)},
          {"rehearsal", rehearsal_json(attempt.rehearsal)},
          {"away_seconds", attempt.away > 0 ? Json(attempt.away) : Json()},
          {"detail", attempt.why.detail}};
}

std::string attempt_text(const Attempt& attempt) {
  std::string line =
      fmt::format("#{} {}  {} in slot {}: {}", attempt.number, format_utc(attempt.ended),
                  attempt.release, to_string(attempt.target), to_string(attempt.outcome));
  if (attempt.why.cause != Cause::none) line += fmt::format(" ({})", to_string(attempt.why.cause));
  if (attempt.tries_done > 0)
    line +=
        fmt::format(", started {} time{}", attempt.tries_done, attempt.tries_done == 1 ? "" : "s");
  if (attempt.away > 0) line += fmt::format(", back after {} s", attempt.away);
  if (attempt.rehearsal != Rehearsal::none)
    line += fmt::format("; a rehearsal of: {}", to_string(attempt.rehearsal));
  if (!attempt.why.detail.empty()) line += "\n    " + attempt.why.detail;
  for (const auto& waived : attempt.waived) line += "\n    waived: " + waived;
  return line;
}

std::string way_on(const Phase& phase) {
  const Update* update = update_of(phase);
  if (update == nullptr) return "";
  const std::string& name = update->release.name.text;
  if (std::holds_alternative<Fetching>(phase))
    return name +
           " is partly downloaded; run `cube-update fetch` or `apply` to go on, or "
           "`cube-update fetch --drop` to give it up";
  if (std::holds_alternative<Fetched>(phase))
    return name + " stays downloaded; run `cube-update apply` to install it";
  if (std::holds_alternative<Filling>(phase))
    return name +
           " is partly installed; run `cube-update apply` to go on, or `cube-update "
           "rollback` to give it up";
  if (std::holds_alternative<Staged>(phase) && update->start != Start::at_once)
    return name +
           " is installed and starts by itself when its time has come; run `cube-update "
           "apply` to start it now, or `cube-update rollback` to give it up";
  if (std::holds_alternative<Staged>(phase) && !update->held.empty())
    return name + " is installed; run `cube-update apply` again when nothing holds it back";
  if (std::holds_alternative<Staged>(phase))
    return name + " is installed, not armed; run `cube-update apply` to go on";
  return "";
}

Json::Object journal_json(const Journal& journal) {
  Json::Object object{{"phase", text(name_of(journal.phase))}};
  const Update* update = update_of(journal.phase);
  object["update"] = update != nullptr ? update_json(*update) : Json();
  object["last_outcome"] =
      journal.history.empty() ? Json() : Json(attempt_json(journal.history.back()));
  return object;
}

Json::Object status_json(const StatusFacts& facts) {
  Json::Object object = journal_json(facts.journal);
  object["booted"] = text(to_string(facts.booted));
  const auto& running = seal_of(facts.booted, facts);
  object["release"] = running ? Json(running->release) : Json();
  object["slots"] =
      Json(Json::Object{{"a", slot_json(SlotId::a, facts)}, {"b", slot_json(SlotId::b, facts)}});
  object["waits"] = facts.hold.empty() ? Json() : Json(facts.hold);
  object["started_by"] = text(to_string(facts.started_by));
  object["health"] = facts.last_verdict ? verdict_json(*facts.last_verdict) : Json();
  object["virtual_boot"] = facts.virtual_boot ? virtual_boot_json(*facts.virtual_boot) : Json();
  object["schema"] = facts.journal.schema;
  object["hooks_due"] = facts.journal.hooks_due != 0;
  object["loader"] = facts.loader;
  object["fallback"] = facts.boot ? text(to_string(facts.boot->fallback)) : Json();
  object["trial"] = facts.boot ? trial_json(*facts.boot) : Json();
  object["boot_records"] = facts.boot ? Json("ok") : Json(facts.boot_error);
  object["floor"] =
      Json(Json::Object{{"epoch", facts.floor.epoch}, {"release", facts.floor.release}});
  Json::Array denied;
  for (const auto& entry : facts.journal.denied)
    denied.push_back(Json(Json::Object{{"release", entry.release}, {"reason", entry.reason}}));
  object["denied"] = Json(std::move(denied));
  return object;
}

std::string status_text(const StatusFacts& facts) {
  std::string out = slot_text(SlotId::a, facts) + slot_text(SlotId::b, facts);
  out += fmt::format("phase     {}", name_of(facts.journal.phase));
  if (const Update* update = update_of(facts.journal.phase))
    out += fmt::format(": {} into slot {} (update #{})", update->release.name.text,
                       to_string(update->target), update->attempt) +
           (update->rehearsal == Rehearsal::none
                ? ""
                : fmt::format(", a rehearsal of: {}", to_string(update->rehearsal)));
  out += "\n";
  if (!facts.hold.empty()) out += "waits     " + facts.hold + "\n";
  if (const auto next = way_on(facts.journal.phase); !next.empty())
    out += "next      " + next + "\n";
  out += "loader    " + facts.loader + (facts.boot ? "" : ": " + facts.boot_error) + "\n";
  if (!facts.journal.history.empty())
    out += "last      " + attempt_text(facts.journal.history.back()) + "\n";
  if (facts.last_verdict)
    if (const auto told = verdict_text(*facts.last_verdict); !told.empty())
      out += "health    " + told + "\n";
  if (facts.virtual_boot) out += "virtual   " + virtual_boot_text(*facts.virtual_boot) + "\n";
  if (facts.started_by == StartedBy::kexec || facts.started_by == StartedBy::soft_reboot)
    out += fmt::format("started   by {}, which shows nothing of how the machine starts\n",
                       to_string(facts.started_by));
  for (const auto& denied : facts.journal.denied)
    out += fmt::format("denied    {} ({})\n", denied.release, denied.reason);
  return out;
}

std::string printable(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return text;
}

}  // namespace cube::cli
