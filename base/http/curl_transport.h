// CurlTransport: requests through libcurl in this process. Sizes are the receiver's to count.
#pragma once

#include "base/http/http_client.h"
#include "base/http/transport.h"

namespace cube {

class CurlTransport final : public Transport {
 public:
  // `config` outlives the transport.
  explicit CurlTransport(const HttpConfig& config);
  CurlTransport(const CurlTransport&) = delete;
  CurlTransport& operator=(const CurlTransport&) = delete;
  ~CurlTransport() override;

  // Errors: failed (libcurl cannot start, or lacks an option).
  Result<Transfer> perform(const TransferRequest& request, Receiver& receiver) override;

 private:
  const HttpConfig& config_;
  void* share_;  // libcurl's connections; nullptr when libcurl cannot start
  void* easy_;   // libcurl's handle of the last request, or nullptr
};

}  // namespace cube
