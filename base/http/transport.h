// Transport: the port through which one request goes out. Either libcurl in this process
// (curl_transport.h), or the service that alone has the network (proxied_transport.h). Whatever it
// hands over is for the caller to judge: status, sizes, ranges, and whether the bytes are right.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "base/http/posted_document.h"
#include "base/http/receiver.h"
#include "base/result.h"

namespace cube {

struct HttpConfig;

struct TransferRequest {
  std::string url;                         // found good by check_url, and not a file's
  std::string range;                       // "0-99", "100-"; "": the whole document
  std::string entity;                      // only if it still has this tag; "": whatever it has
  std::chrono::milliseconds remaining{0};  // the request ends then at the latest
  // Found good by check_document. It is sent once at most, and no redirect is followed; then there
  // is no range and no entity. nullopt: something is asked for.
  std::optional<PostedDocument> posted{};
};

// How a request ended.
struct Transfer {
  enum class End {
    whole,         // as the server said
    stopped,       // by the receiver
    other_scheme,  // the server redirects to where nobody goes
    failed,        // see `code` and `text`
  };
  End end = End::failed;
  Errc code = Errc::unreachable;
  std::string text;                       // one line: why
  std::chrono::seconds asked_to_wait{0};  // Retry-After: 0 to a day
  bool sent = true;                       // false: nothing of the request went to a server
};

class Transport {
 public:
  virtual ~Transport() = default;
  // Gives the answer to `receiver` as it comes. Keeps its connection for the next request. Not
  // thread-safe. Errors: failed (no request can be made at all).
  virtual Result<Transfer> perform(const TransferRequest& request, Receiver& receiver) = 0;
};

// As the configuration says, which outlives it.
[[nodiscard]] std::unique_ptr<Transport> make_transport(const HttpConfig& config);

}  // namespace cube
