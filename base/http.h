// One hardened HTTP client for the whole agent (libcurl's own limits do not limit: sizes are counted
// here). https by default; plain http and file only where the configuration allows; at most 3
// redirects and never to another scheme; no decompression; a total deadline besides the low-speed one.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "base/result.h"

namespace cube {

struct HttpConfig {
  bool allow_http = false;
  std::string ca_file;             // "" = the system's certificates
  std::string client_certificate;  // PEM file; "" = none
  std::string client_key;
  std::string proxy;               // "" = none; the environment is not asked
  std::chrono::seconds connect_timeout{30};
  std::chrono::seconds deadline{60};  // for one document, retries included
  int tries = 3;                      // for connection errors and 5xx answers
};

// The whole document. file:///PATH is read from disk, as a regular file, under the same cap; PATH is
// taken as it is, without percent decoding. Below 1 KiB/s for 30 s counts as no answer.
// Errors: unreachable (connection, time-out, cut off, 5xx), not_found (404, 403 or 410, no such
// file), corrupt (more than max_bytes), invalid (URL, scheme, also of a redirect; client certificate),
// untrusted (the server's certificate), failed.
Result<std::string> http_get(const std::string& url, std::size_t max_bytes, const HttpConfig& config);

}  // namespace cube
