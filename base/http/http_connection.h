// HttpConnection: one request at a time, with every limit of http_client.h but the retries, over
// whatever transport the configuration names. Not thread-safe.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "base/http/answer.h"
#include "base/http/http_client.h"
#include "base/http/range_answer.h"
#include "base/http/transport.h"

namespace cube {

class HttpConnection {
 public:
  // `config` outlives the connection.
  explicit HttpConnection(const HttpConfig& config) : transport_(make_transport(config)) {}

  // URLs were found good by check_url and are not a file's.

  // `so_far` is continued if the server can do that; after a failure it holds what the next try may
  // continue. Errors: as HttpClient::get.
  Result<std::string> get(const std::string& url, std::size_t max_bytes,
                          std::chrono::milliseconds remaining, PartialDocument& so_far);
  // Gives `take` the bytes of `range`; `given` grows by what it got, also when the request fails.
  // Errors: as HttpClient::get_range.
  Status get_range(const std::string& url, const ByteRange& range,
                   std::chrono::milliseconds remaining, const ByteSink& take, std::uint64_t& given);
  // Gives the document to the server, once. Errors: as HttpClient::post.
  Result<HttpAnswer> post(const std::string& url, const PostedDocument& document,
                          std::size_t max_bytes, std::chrono::milliseconds remaining);
  // As HttpClient::sent.
  [[nodiscard]] bool sent() const { return sent_; }
  // Retry-After of the last answer; 0 when it had none.
  [[nodiscard]] std::chrono::seconds asked_to_wait() const { return asked_to_wait_; }

 private:
  Result<Transfer> perform(const TransferRequest& request, Receiver& receiver);

  std::unique_ptr<Transport> transport_;
  std::chrono::seconds asked_to_wait_{0};
  bool sent_ = false;
};

}  // namespace cube
