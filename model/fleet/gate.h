// The gate of a cluster: who may be away for an update now. One pure function over what the gate
// holds. Every key in it only restricts, and taking one away only relaxes; so a machine that reads
// all of it at one revision, decides, and takes a place only if nothing was written since, cannot
// break a rule, whoever decides at the same time.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "model/fleet/limits.h"
#include "model/fleet/limits_reader.h"

namespace cube::fleet {

// A place that a machine holds, from before its restart until it is healthy again. Never changed
// while it is held, and it never runs out by itself.
struct Holder {
  std::string node;
  std::string rollout;
  std::string domain;           // failure domain; "": not known, so it shares one with nobody
  std::set<std::string> roles;  // of which the cluster loses its quorum if two are away
  std::string nonce;            // tells this holding from any other
  UnixSeconds since = 0;        // by that machine's clock: for people, nothing is decided by it
  std::int64_t created = 0;     // revision

  friend bool operator==(const Holder&, const Holder&) = default;
};

// Why the cluster stands still, and who said so.
struct Notice {
  std::string reason;
  std::string by;
  UnixSeconds at = 0;  // for people

  friend bool operator==(const Notice&, const Notice&) = default;
};

// One machine's failure in one rollout: one key each, so that counting twice is not possible.
struct Failure {
  std::string rollout;
  std::string node;
  std::string release;   // that failed
  std::string why;       // one line: cause, or "overdue"
  std::string stage;     // where its trial ended (docs/why.md); "": not known
  std::string hardware;  // fingerprint of that machine; "": not known
  bool canary = false;

  friend bool operator==(const Failure&, const Failure&) = default;
};

// The newest plan that anybody of the cluster acts by.
struct PlanMark {
  std::uint64_t serial = 0;
  std::string sha256;  // of its bytes

  friend bool operator==(const PlanMark&, const PlanMark&) = default;
};

struct GateFacts {
  LimitsWish policy;  // of this cluster's operators; only narrows the plan's limits
  std::optional<PlanMark> plan;
  std::optional<Notice> halt;                  // a rollout hurt
  std::optional<Notice> pause;                 // an operator wants nothing to begin
  std::map<std::string, std::string> blocked;  // release -> why
  std::vector<Holder> holders;
  std::vector<Failure> failures;
  std::vector<std::string>
      unreadable;  // keys that make no sense here: nobody knows what they forbid
};

// Who wants a place, and what for.
struct Candidate {
  std::string node;
  std::string rollout;
  std::string release;
  std::string domain;
  std::set<std::string> roles;
  std::string hardware;
  std::string nonce;  // of the holding that it has, or is about to have
  bool canary = false;
  PlanMark plan;               // that it acts by
  std::uint64_t finished = 0;  // machines that this rollout succeeded on; asked for where it counts
};

enum class Answer {
  mine,      // the place is held already, by this very holding
  may_take,  // nothing speaks against it at this revision
  refused,
};

struct GateVerdict {
  Answer answer = Answer::refused;
  std::string word;          // of a refusal, stable: "busy", "halted", ...
  std::string why;           // of a refusal, one line for people
  std::int64_t created = 0;  // of the holder, with `mine`
};

// The place of that machine; nullptr: it holds none.
[[nodiscard]] const Holder* holder_of(const GateFacts& facts, const std::string& node);

// The stricter of both in every part.
[[nodiscard]] Limits stricter(const Limits& left, const Limits& right);

// The plan's limits, narrowed by the cluster's own.
[[nodiscard]] Limits limits_here(const GateFacts& facts, const Limits& plan);

[[nodiscard]] GateVerdict decide_gate(const GateFacts& facts, const Candidate& candidate,
                                      const Limits& limits);

// Why a rollout must be halted, by what failed so far; "": it goes on. Where failures count by
// hardware nothing is halted: machines like those that failed are refused. `finished`: as
// Candidate::finished.
[[nodiscard]] std::string reason_to_halt(const GateFacts& facts, const std::string& rollout,
                                         const Limits& limits, std::uint64_t finished);

// Last look before the restart: "" if the place created at `created` is still this candidate's and
// nothing has stopped since; otherwise why not.
[[nodiscard]] std::string must_turn_back(const GateFacts& facts, const Candidate& candidate,
                                         std::int64_t created);

// What is wrong with the places that are held, which no machine that follows decide_gate() can
// bring about; "": nothing.
[[nodiscard]] std::string broken_rule(const GateFacts& facts, const Limits& limits);

}  // namespace cube::fleet
