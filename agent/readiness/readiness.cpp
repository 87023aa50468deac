#include "agent/readiness/readiness.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

struct Answer {
  Ready ready;
  std::string how;
  std::string remedy = "";
};

constexpr Seconds day = 86400;
constexpr Seconds soon = 14 * day;  // an operator's time to renew metadata
// The journal, metadata, and what dead kernels left; a download ahead needs more, and says so.
constexpr std::uint64_t state_needs = 16 * 1024 * 1024;

std::string slot_name(SlotId slot) {
  return "slot " + std::string(to_string(slot));
}

Answer records(const ReadinessFacts& facts) {
  if (facts.records) return {Ready::yes, "the loader's records are whole"};
  return {Ready::no, facts.records_trouble, "run `cube-update commit` to write them anew"};
}

Answer fallback(const ReadinessFacts& facts) {
  if (!facts.records) return {Ready::unknown, "the loader's records cannot be read", ""};
  if (facts.records->fallback == facts.booted) return {Ready::yes, "it is the slot that runs"};
  if (facts.records->trial)
    return {Ready::warning,
            "it is the other slot: " + slot_name(facts.booted) + " runs and is on trial",
            "wait for the commit, or run `cube-update rollback`"};
  return {Ready::warning,
          "it is the other slot: " + slot_name(facts.booted) + " runs, started by hand",
          "run `cube-update commit` to stay with what runs"};
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

// The release that `cube-update rollback` returns to. An update does not need it.
Answer way_back(const ReadinessFacts& facts) {
  if (!facts.other_trouble.empty())
    return {Ready::unknown, facts.other_trouble, "run `cube-update doctor` again later"};
  const std::string slot = slot_name(other(facts.booted));
  if (!facts.other_release)
    return {Ready::warning, slot + " holds no release", "the next update fills it"};
  const std::string release = slot + " holds " + *facts.other_release;
  if (!facts.other_lacks.empty())
    return {Ready::warning, release + ", and lacks " + joined(facts.other_lacks),
            "do not return to it; the next update fills it anew"};
  if (facts.other_read_back && !*facts.other_read_back && !mutated("damaged-way-back-passes"))
    return {Ready::warning, release + ", damaged: " + facts.other_read_back->error().what,
            "do not return to it; the next update mends it"};
  return {Ready::yes, release + (facts.other_read_back ? ", whole as read back now"
                                                       : ", sealed when it was written")};
}

Answer trusted_root(const ReadinessFacts& facts) {
  if (facts.root_trouble.empty()) return {Ready::yes, "usable"};
  return {Ready::no, facts.root_trouble,
          "no release will be believed: put the publisher's root.json into the image"};
}

Answer source(const ReadinessFacts& facts) {
  if (facts.source.empty())
    return {Ready::warning, "none is configured", "set source.url, or give --from each time"};
  if (!facts.source_asked) return {Ready::unknown, facts.source + ", not asked"};
  if (*facts.source_asked) return {Ready::yes, facts.source + " answers, and is believed"};
  const bool away = facts.source_asked->error().code == Errc::unreachable;
  return {away ? Ready::warning : Ready::no, facts.source_asked->error().what,
          away ? "nothing already downloaded needs it; see to the network or the proxy"
               : "tell the publisher; nothing is installed from there meanwhile"};
}

Answer metadata(const ReadinessFacts& facts) {
  if (facts.signings.empty()) return {Ready::unknown, "the source was not asked or not believed"};
  const auto first = std::min_element(
      facts.signings.begin(), facts.signings.end(),
      [](const Signing& left, const Signing& right) { return left.expires < right.expires; });
  const std::string until = first->role + " expires on " + format_utc(first->expires);
  if (first->expires <= facts.now)
    return {Ready::no, until, "the publisher has to renew it (`cube-release publish`)"};
  // What is renewed each day by design expires soon on every day.
  const bool short_lived = first->role == "timestamp" || first->role == "snapshot";
  if (first->expires - facts.now < soon && !short_lived)
    return {Ready::warning, until, "the publisher has to renew it before that"};
  return {Ready::yes, until};
}

Answer clock(const ReadinessFacts& facts) {
  const std::string shown = format_utc(facts.now);
  if (facts.built > 0 && facts.now < facts.built)
    return {Ready::warning,
            shown + ", before the running release was built (" + format_utc(facts.built) + ")",
            "set the clock: windows and expiry are judged by it"};
  return {Ready::yes, shown};
}

Answer state(const ReadinessFacts& facts) {
  if (!facts.state_trouble.empty())
    return {Ready::no, facts.state_trouble,
            "mount one partition of both slots there, writable (docs/install.md)"};
  if (facts.state_free < state_needs)
    return {Ready::no, std::to_string(facts.state_free / 1024) + " KiB are free",
            "make room on its partition: the journal has to be written"};
  return {Ready::yes, std::to_string(facts.state_free / (1024 * 1024)) + " MiB are free"};
}

Answer rehearsal(const ReadinessFacts& facts) {
  if (!facts.rehearsal)
    return {Ready::unknown, "no rehearsal is known of",
            "when a restart does no harm: cube-update doctor --rehearse panic"};
  const Attempt& played = *facts.rehearsal;
  const std::string what =
      std::string(to_string(played.rehearsal)) + " on " + format_utc(played.ended);
  if (played.outcome == Outcome::rehearsed)
    return {Ready::yes, what + ": the old release ran again after " + std::to_string(played.away) +
                            " s (" + std::string(to_string(played.why.cause)) + ")"};
  return {Ready::warning, what + ": did not come to it: " + played.why.detail,
          "see `cube-update why " + std::to_string(played.number) + "`, and rehearse again"};
}

Answer drift(const Result<std::string>& found) {
  if (!found) return {Ready::unknown, found.error().what, ""};
  if (found->empty()) return {Ready::yes, "all is as it brought it"};
  return {Ready::warning, *found,
          "what has to stay belongs into the release, for the next update begins without it; "
          "`cube-update status --drift` names all"};
}

Answer kernel_room(const Status& room) {
  if (room) return {Ready::yes, "there is room for another"};
  return {Ready::no, room.error().what, "make room: an update would be refused before it starts"};
}

}  // namespace

std::string_view to_string(Ready ready) {
  switch (ready) {
    case Ready::yes:
      return "yes";
    case Ready::warning:
      return "warning";
    case Ready::no:
      return "no";
    case Ready::unknown:
      break;
  }
  return "unknown";
}

std::vector<ReadinessFinding> judge_readiness(const ReadinessFacts& facts) {
  std::vector<ReadinessFinding> findings;
  const auto add = [&](std::string name, std::string what, Answer answer) {
    findings.push_back({std::move(name), std::move(what), answer.ready, std::move(answer.how),
                        std::move(answer.remedy)});
  };
  add("records", "the boot loader can be told of a trial", records(facts));
  add("fallback", "the slot that starts when a trial fails", fallback(facts));
  add("way-back", "the release to return to by `cube-update rollback`", way_back(facts));
  add("trusted-root", "the trusted root", trusted_root(facts));
  add("source", "the source of releases", source(facts));
  add("metadata", "what the source signs is fresh", metadata(facts));
  add("clock", "the clock", clock(facts));
  add("state", "the state folder, which both slots share", state(facts));
  if (facts.drift) add("drift", "what runs is still what its release brought", drift(*facts.drift));
  add("rehearsal", "the way back was tried on purpose", rehearsal(facts));
  if (facts.kernel_room)
    add("kernel-room", "room for a kernel where the loader reads it",
        kernel_room(*facts.kernel_room));
  return findings;
}

}  // namespace cube
