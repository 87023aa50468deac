// ProxiedTransport: requests through the fetch service, for a process without a network. The
// service is not trusted: what it sends is bounded and judged as a web server's answer is, and a
// connection that ends, or on which nonsense comes, counts as a server that does not answer, so
// that the next try asks anew.
#pragma once

#include <chrono>

#include "base/fd.h"
#include "base/http/fetch_frames.h"
#include "base/http/http_client.h"
#include "base/http/transport.h"

namespace cube {

class ProxiedTransport final : public Transport {
 public:
  // `config` outlives the transport; `config.through` is the socket.
  explicit ProxiedTransport(const HttpConfig& config) : config_(config) {}

  // Errors: failed, invalid (a certificate or key cannot be read).
  Result<Transfer> perform(const TransferRequest& request, Receiver& receiver) override;

 private:
  using Time = std::chrono::steady_clock::time_point;
  // Errors: unreachable (nobody serves there), those of reading certificates.
  Status connect();
  Status send(FrameKind kind, const std::string& content);
  // Reads until one more frame is whole. Errors: unreachable, cancelled, corrupt.
  Result<Frame> receive(Time end);
  Result<Transfer> exchange(const TransferRequest& request, Receiver& receiver);

  const HttpConfig& config_;
  Fd socket_;
  FrameCutter cutter_;
  bool asked_ = false;  // the service has the whole request
};

}  // namespace cube
