// CurlConnection: one request at a time through libcurl, with every limit of http_client.h but the
// retries. Keeps its connection for the next request. Not thread-safe.
#pragma once

#include <chrono>
#include <string>

#include "base/http/answer.h"
#include "base/http/http_client.h"
#include "base/http/range_answer.h"

namespace cube {

class CurlConnection {
 public:
  // `config` outlives the connection.
  explicit CurlConnection(const HttpConfig& config);
  CurlConnection(const CurlConnection&) = delete;
  CurlConnection& operator=(const CurlConnection&) = delete;
  ~CurlConnection();

  // URLs were found good by check_url and are not a file's.

  // `so_far` is continued if the server can do that; after a failure it holds what the next try may
  // continue. Errors: as HttpClient::get.
  Result<std::string> get(const std::string& url, std::size_t max_bytes,
                          std::chrono::milliseconds remaining, PartialDocument& so_far);
  // Gives `take` the bytes of `range`; `given` grows by what it got, also when the request fails.
  // Errors: as HttpClient::get_range.
  Status get_range(const std::string& url, const ByteRange& range,
                   std::chrono::milliseconds remaining, const ByteSink& take, std::uint64_t& given);
  // Retry-After of the last answer; 0 when it had none.
  [[nodiscard]] std::chrono::seconds asked_to_wait() const;

 private:
  // What is asked for besides the URL; "": not asked for.
  struct Part {
    std::string range;   // "0-99"
    std::string entity;  // only if it still has this tag
  };
  // libcurl's result. Errors: failed (libcurl cannot start, or lacks an option).
  Result<int> perform(const std::string& url, std::chrono::milliseconds remaining, const Part& part,
                      Receiver& receiver);

  const HttpConfig& config_;
  void* share_;  // libcurl's connections; nullptr when libcurl cannot start
  void* easy_;   // libcurl's handle of the last request, or nullptr
};

}  // namespace cube
