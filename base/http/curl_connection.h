// CurlConnection: one request at a time through libcurl, with every limit of http_client.h but the
// retries. Keeps its connection for the next request. Not thread-safe.
#pragma once

#include <chrono>
#include <memory>

#include "base/http/answer.h"
#include "base/http/http_client.h"

namespace cube {

class CurlConnection {
 public:
  // `config` outlives the connection.
  explicit CurlConnection(const HttpConfig& config);
  CurlConnection(const CurlConnection&) = delete;
  CurlConnection& operator=(const CurlConnection&) = delete;
  ~CurlConnection();

  // `url` was found good by check_url and is not a file's. `so_far` is continued if the server can
  // do that; after a failure it holds what the next try may continue. Errors: as HttpClient::get.
  Result<std::string> get(const std::string& url, std::size_t max_bytes,
                          std::chrono::milliseconds remaining, PartialDocument& so_far);
  // Retry-After of the last answer; 0 when it had none.
  [[nodiscard]] std::chrono::seconds asked_to_wait() const;

 private:
  const HttpConfig& config_;
  void* share_;  // libcurl's connections; nullptr when libcurl cannot start
  void* easy_;   // libcurl's handle of the last request, or nullptr
};

}  // namespace cube
