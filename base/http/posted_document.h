// A document that is sent to a web server (POST), and what the head of its request may say besides:
// one of a few fields, each at most once, and no other. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "base/result.h"

namespace cube {

inline constexpr std::size_t max_posted_bytes = 2 * 1024 * 1024;
inline constexpr std::size_t max_field_bytes = 4096;

enum class RequestField : std::uint8_t {
  content_type,
  authorization,        // a token; never shown in a message
  grpc_has_leader,      // Grpc-Metadata-hasleader, of etcd's JSON gateway
  fleet_lock_protocol,  // of FleetLock
};
inline constexpr std::uint8_t request_fields = 4;  // how many there are

[[nodiscard]] const char* name_of(RequestField field);

struct PostedDocument {
  std::string body;
  std::map<RequestField, std::string> fields;
};

// Within the limits: a body that is not empty, values of printable ASCII that neither are empty nor
// begin or end with a blank. Errors: invalid.
[[nodiscard]] Status check_document(const PostedDocument& document);

// What a web server says to it. Never the answer of another server: redirects are not followed.
struct HttpAnswer {
  int status = 0;    // 200 to 999
  std::string body;  // of a status from 400 on: at most its first 64 KiB
};

}  // namespace cube
