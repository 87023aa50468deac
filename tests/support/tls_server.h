// TlsServer: answers every HTTPS request on 127.0.0.1 with one text, under a certificate that it
// made itself for a host name of the test's choice.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "tests/support/loopback.h"

namespace cube {

class TlsServer {
 public:
  // When the certificate begins and ends to be valid, in seconds from now.
  struct Validity {
    long from = -3600;
    long until = 3600;
  };
  // The certificate is for `host` ("IP:127.0.0.1", "DNS:other.example") and is written to
  // `certificate`.
  TlsServer(const std::string& host, const std::string& certificate, std::string answer,
            Validity validity);
  TlsServer(const std::string& host, const std::string& certificate, std::string answer)
      : TlsServer(host, certificate, std::move(answer), Validity{}) {}
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  [[nodiscard]] std::string url() const {
    return "https://127.0.0.1:" + std::to_string(port_.number);
  }
  [[nodiscard]] int answers() const { return answers_; }

 private:
  struct Tls;
  void serve();

  std::unique_ptr<Tls> tls_;
  std::string answer_;  // the whole response
  LoopbackPort port_;
  std::atomic<bool> stop_{false};
  std::atomic<int> answers_{0};
  std::thread thread_;
};

}  // namespace cube
