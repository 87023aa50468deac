// What an etcd cluster says of itself: its members, their state, its alarms. For a report on its
// health; nothing here decides whether a machine may restart.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "agent/fleet/etcd_gateway.h"

namespace cube::fleet {

// Texts are printable ASCII, of at most 256 bytes.
struct EtcdMember {
  std::uint64_t id = 0;
  std::string name;  // "": it was added, and never started
  std::vector<std::string> client_urls;
  bool learner = false;
};

struct EtcdStatus {
  std::string version;       // "3.4.23"
  std::uint64_t member = 0;  // who answered
  std::uint64_t leader = 0;  // 0: there is none
  std::uint64_t database_bytes = 0;
  std::uint64_t bytes_in_use = 0;  // of it; the rest goes with a defragmentation
  std::vector<std::string> errors;
};

struct EtcdAlarm {
  std::uint64_t member = 0;
  std::string kind;  // "NOSPACE", "CORRUPT"
};

// Errors of all: as EtcdGateway::ask.
[[nodiscard]] Result<std::vector<EtcdMember>> members_of(EtcdGateway& gateway);
[[nodiscard]] Result<std::vector<EtcdAlarm>> alarms_of(EtcdGateway& gateway);
// What that one endpoint says.
[[nodiscard]] Result<EtcdStatus> status_of(EtcdGateway& gateway, std::size_t endpoint);
// Whether the first revision is gone: somebody has compacted once. `key`: one that may be read.
[[nodiscard]] Result<bool> was_compacted(EtcdGateway& gateway, const std::string& key);

// What any of them says.
[[nodiscard]] Result<EtcdStatus> any_status_of(EtcdGateway& gateway);

// The answers; pure. Errors: corrupt.
[[nodiscard]] Result<std::vector<EtcdMember>> members_in(std::string_view answer);
[[nodiscard]] Result<std::vector<EtcdAlarm>> alarms_in(std::string_view answer);
[[nodiscard]] Result<EtcdStatus> status_in(std::string_view answer);

}  // namespace cube::fleet
