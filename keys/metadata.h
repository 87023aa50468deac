// The four documents of a TUF repository (specification 1.0), read strictly. Parsing believes
// nothing: signatures are checked by check_signatures, versions and expiry by TufClient. Pure
// values.
//
// Bounds: 64 KiB a document, targets 1 MiB; 64 keys, 16 signatures, 4096 targets; versions 1 to
// 2^53-1. Unknown members are allowed and covered by the signature.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "keys/key.h"

namespace cube {

inline constexpr std::size_t max_metadata_bytes = 64 * 1024;
inline constexpr std::size_t max_targets_bytes = 1024 * 1024;

struct Signature {
  std::string key_id;
  std::string bytes;
};

// What all four have in common.
struct Metadata {
  std::uint64_t version = 0;
  UnixSeconds expires = 0;
  std::string text;     // the document as received
  std::string covered;  // canonical JSON of its `signed`: the bytes that are signed
  std::vector<Signature> signatures;
};

struct Role {
  std::vector<std::string> key_ids;  // all of them are among the root's keys
  std::uint64_t threshold = 0;       // at least 1

  friend bool operator==(const Role&, const Role&) = default;
};

struct Root : Metadata {
  std::map<std::string, PublicKey> keys;  // by id; each id is the hash of its key
  std::map<std::string, Role> roles;      // "root", "timestamp", "snapshot", "targets"
};

// How one document describes another.
struct MetaFile {
  std::uint64_t version = 0;
  std::optional<std::uint64_t> length;
  std::optional<std::string> sha256;
};

struct Timestamp : Metadata {
  MetaFile snapshot;
};

struct Snapshot : Metadata {
  MetaFile targets;
};

struct TargetFile {
  std::uint64_t length = 0;
  std::string sha256;  // 64 hex digits
};

struct Targets : Metadata {
  std::map<std::string, TargetFile> releases;  // by release name; other targets are left out
};

// Errors of all: corrupt (form, bounds), untrusted (kind of key not known).
Result<Root> parse_root(const std::string& text);
Result<Timestamp> parse_timestamp(const std::string& text);
Result<Snapshot> parse_snapshot(const std::string& text);
Result<Targets> parse_targets(const std::string& text);

// Ok when at least the threshold of different keys of that role signed the document. Two ids of one
// key count once. Errors: untrusted, failed.
Status check_signatures(const Metadata& document, const Root& root, const std::string& role);

}  // namespace cube
