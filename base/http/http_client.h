// HttpClient: the one way to ask a web server for something.
//
// https by default; plain http only where the configuration allows; at most 3 redirects and never
// to another scheme; no decompression. Sizes are counted here, those of headers, too (64 KiB), for
// libcurl's own limits do not limit. Below 1 KiB/s for 30 s counts as no answer, and a deadline
// ends every request. What fails for a reason that may pass is tried again, after a pause that
// grows, is random in part, and is at least what the server asked for (Retry-After). A document
// that was cut off is continued where it broke, if the server gives it a strong entity tag and
// still has the same; a range goes on with its next byte. Connections are reused. Not thread-safe.
// What is sent to a server (post) has the same limits, and none of the second tries.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/byte_sink.h"
#include "base/http/posted_document.h"
#include "base/result.h"

namespace cube {

struct HttpConfig {
  bool allow_http = false;
  std::string ca_file;             // "" = the system's certificates
  std::string client_certificate;  // PEM file; "" = none
  std::string client_key;          // PEM file; "" = in client_certificate
  std::string proxy;               // "" = none; the environment is not asked
  // Socket of the service that makes the requests (fetch_frames.h); "": this process makes them.
  std::string through;
  std::uint64_t max_bytes_per_second = 0;  // 0 = as fast as it comes; below 1024 nothing arrives
  std::chrono::seconds connect_timeout{30};
  std::chrono::seconds deadline{60};  // of one request, retries included
  int tries = 3;
  // Asked several times a second, from the thread that waits: true ends a request with `cancelled`.
  std::function<bool()> cancelled = {};
};

// Bytes of a document whose length is known from elsewhere.
struct ByteRange {
  std::uint64_t first = 0;
  std::uint64_t length = 0;
  std::uint64_t total = 0;  // of the whole document; the range ends there or before
};

class HttpClient {
 public:
  explicit HttpClient(HttpConfig config);
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  // The whole document. file:///PATH (base/file_url.h) is read from disk, as a regular file, under
  // the same cap. Errors: unreachable (connection, time-out, cut off, 5xx, 408, 425, 429),
  // not_found (404, 403 or 410, no such file), corrupt (more than max_bytes), invalid (URL,
  // client certificate), untrusted (the server's certificate), failed; all without sys_errno.
  Result<std::string> get(const std::string& url, std::size_t max_bytes);

  // Gives `take` exactly the bytes of the range, as they arrive: its time limits the transfer, too.
  // The deadline has a second more for each 16 KiB. Whether the bytes are right is for the caller
  // to find out. Errors: as get(); corrupt (a document of another length), failed (the server
  // does not send parts), invalid (no such range), those of `take`.
  Status get_range(const std::string& url, const ByteRange& range, const ByteSink& take);

  // Gives the document to the server, once: it is never tried again, no redirect is followed, and
  // the request ends after `time` at the latest. Every status is an answer. Errors: unreachable
  // (no whole answer: unless sent() says no, the server may have done what was asked), corrupt
  // (an answer of more than max_bytes; the same), invalid (URL, document, client certificate),
  // untrusted (the server's certificate: nothing was sent), cancelled, failed.
  Result<HttpAnswer> post(const std::string& url, const PostedDocument& document,
                          std::size_t max_bytes, std::chrono::milliseconds time);
  // Whether anything of the last post() went to a server. Through a service: as it says.
  [[nodiscard]] bool sent() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A URL that may be asked for: scheme, printable ASCII, at most 8 KiB, a host, and no user name or
// password, which would end up in messages and in the journal. Errors: invalid.
[[nodiscard]] Status check_url(const std::string& url, bool allow_http);

}  // namespace cube
