// For servers of tests: a port of 127.0.0.1, and whole sends.
#pragma once

#include <arpa/inet.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string_view>

#include "base/fd.h"

namespace cube {

struct LoopbackPort {
  Fd listener;
  int number = 0;
};

// Any free one.
inline LoopbackPort listen_on_loopback() {
  LoopbackPort port{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), 0};
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (::bind(port.listener.get(), generic, size) != 0 || ::listen(port.listener.get(), 64) != 0 ||
      ::getsockname(port.listener.get(), generic, &size) != 0)
    throw std::runtime_error("cannot listen on 127.0.0.1");
  port.number = ntohs(address.sin_port);
  return port;
}

// False when the peer has gone.
inline bool send_all(const Fd& peer, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::send(peer.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace cube
