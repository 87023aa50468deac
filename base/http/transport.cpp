#include "base/http/transport.h"

#include "base/http/curl_transport.h"
#include "base/http/proxied_transport.h"

namespace cube {

std::unique_ptr<Transport> make_transport(const HttpConfig& config) {
  if (config.through.empty()) return std::make_unique<CurlTransport>(config);
  return std::make_unique<ProxiedTransport>(config);
}

}  // namespace cube
