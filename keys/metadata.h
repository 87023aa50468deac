// The documents of a TUF repository (specification 1.0), read strictly. Parsing believes nothing:
// signatures are checked by check_signatures, versions and expiry by TufClient. Pure values.
//
// Bounds: 64 KiB a root or timestamp, 1 MiB a snapshot or targets; 64 keys, 16 signatures, 4096
// targets, 1024 delegated roles in a snapshot, 64 in a targets document with 256 patterns; a
// path or pattern of 1024 bytes; versions 1 to 2^53-1. Unknown members are allowed and covered by
// the signature.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/result.h"
#include "keys/key.h"

namespace cube {

inline constexpr std::size_t max_metadata_bytes = 64 * 1024;
inline constexpr std::size_t max_snapshot_bytes = 1024 * 1024;
inline constexpr std::size_t max_targets_bytes = 1024 * 1024;

struct Signature {
  std::string key_id;
  std::string bytes;  // "" when it was not written in hex: no signature of any key
};

// What all of them have in common.
struct Metadata {
  std::uint64_t version = 0;
  UnixSeconds expires = 0;
  std::string text;     // the document as received
  std::string covered;  // canonical JSON of its `signed`: the bytes that are signed
  std::vector<Signature> signatures;
};

// Keys by the id that the document gives them. Those of a kind not known here are left out: they
// count for nothing.
using Keys = std::map<std::string, PublicKey>;

struct Role {
  std::vector<std::string> key_ids;
  std::uint64_t threshold = 0;  // at least 1

  friend bool operator==(const Role&, const Role&) = default;
};

struct Root : Metadata {
  Keys keys;
  std::map<std::string, Role> roles;  // "root", "timestamp", "snapshot", "targets"
  bool consistent_snapshot = false;   // names of files carry their version or hash
};

// How one document describes another.
struct MetaFile {
  std::uint64_t version = 0;
  std::optional<std::uint64_t> length;
  std::optional<std::string> sha256;    // 64 hex digits
  std::optional<std::string> sha512{};  // 128 hex digits
};

struct Timestamp : Metadata {
  MetaFile snapshot;
};

struct Snapshot : Metadata {
  MetaFile targets;
  std::map<std::string, MetaFile> delegated;  // by name of the role
};

struct TargetFile {
  std::uint64_t length = 0;
  std::string sha256;    // 64 hex digits; "" when only sha512 is given
  std::string sha512{};  // 128 hex digits; "" when only sha256 is given
};

// A role that may describe targets in the name of another: those that a pattern or a prefix fits.
struct DelegatedRole : Role {
  std::string name;  // 1 to 80 bytes; never that of a top role
  bool terminating = false;
  std::vector<std::string> paths;               // patterns; "*" and "?" do not match '/'
  std::vector<std::string> path_hash_prefixes;  // of the SHA-256 of the target's path, in hex
};

struct Targets : Metadata {
  std::map<std::string, TargetFile> files;     // by the target's path
  std::map<std::string, TargetFile> releases;  // those that are manifests, by the release's name
  Keys keys;                                   // of the delegated roles
  std::vector<DelegatedRole> delegated;        // the first is trusted most
};

// Errors of all: corrupt (form, bounds), naming the document.
Result<Root> parse_root(const std::string& text);
Result<Timestamp> parse_timestamp(const std::string& text);
Result<Snapshot> parse_snapshot(const std::string& text);
Result<Targets> parse_targets(const std::string& text, const std::string& role = "targets");

// The path of a release's manifest among the targets.
[[nodiscard]] std::string target_of_release(const std::string& name);

// The ids of the role's keys that signed the document. Two ids of one key count once.
// Errors: failed.
Result<std::vector<std::string>> good_signers(const Metadata& document, const Keys& keys,
                                              const Role& role);
// Ok when at least the threshold of different keys of that role signed the document. `name` is for
// the message. Errors: untrusted, failed.
Status check_signatures(const Metadata& document, const Keys& keys, const Role& role,
                        const std::string& name);
// By a top role of the root.
Status check_signatures(const Metadata& document, const Root& root, const std::string& role);

}  // namespace cube
