// A document that is sent goes out once, with the fields that were named and no other, to the
// server that was named and no other; what the server says comes back, within bounds.
#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <csignal>

#include "base/http/http_client.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/scripted_server.h"
#include "tests/support/tls_server.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

std::string answer(const std::string& status, const std::string& body,
                   const std::string& fields = "") {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" + fields +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class Post : public ::testing::Test {
 protected:
  Post() : client_(config()) {}
  static HttpConfig config() {
    HttpConfig config;
    config.allow_http = true;
    config.tries = 3;
    config.connect_timeout = seconds(2);
    config.through = test_socket();
    return config;
  }
  Result<HttpAnswer> post(const std::string& url, std::size_t max_bytes = 1000) {
    return client_.post(url, document_, max_bytes, seconds(5));
  }

  HttpClient client_;
  PostedDocument document_{"{\"a\":1}", {{RequestField::content_type, "application/json"}}};
};

TEST_F(Post, GoesOutAsItIs) {
  document_.fields[RequestField::authorization] = "token.1";
  document_.fields[RequestField::grpc_has_leader] = "true";
  document_.fields[RequestField::fleet_lock_protocol] = "true";
  document_.body =
      "two\r\n\r\nlines and a \0"
      "NUL";
  const ScriptedServer server({answer("200 OK", "done")});
  const auto got = post(server.url() + "/v3/kv/range");
  ASSERT_TRUE(got) << got.error().what;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "done");
  EXPECT_TRUE(client_.sent());
  ASSERT_EQ(server.requests().size(), 1U);
  const auto request = server.requests()[0];
  EXPECT_EQ(request.find("POST /v3/kv/range HTTP/1.1\r\n"), 0U) << request;
  for (const auto* field : {"Content-Type: application/json", "Authorization: token.1",
                            "Grpc-Metadata-hasleader: true", "fleet-lock-protocol: true"})
    EXPECT_NE(request.find("\r\n" + std::string(field) + "\r\n"), std::string::npos) << field;
  EXPECT_EQ(request.find("Expect"), std::string::npos);
  EXPECT_EQ(request.substr(request.find("\r\n\r\n") + 4), document_.body);
}

TEST_F(Post, ALongDocumentGoesOutWhole) {
  document_.body.clear();
  for (int i = 0; document_.body.size() < max_posted_bytes - 16; ++i)
    document_.body += std::to_string(i) + ",";
  const ScriptedServer server({answer("200 OK", "done")});
  ASSERT_TRUE(post(server.url() + "/x"));
  const auto request = server.requests().at(0);
  EXPECT_EQ(request.substr(request.find("\r\n\r\n") + 4), document_.body);
}

TEST_F(Post, EveryStatusIsAnAnswerAndNoneIsAskedForTwice) {
  for (const std::string status :
       {"201 x", "400 x", "401 x", "403 x", "404 x", "408 x", "429 x", "500 x", "503 x", "599 x"}) {
    const ScriptedServer server(
        {answer(status, "why", "Retry-After: 0\r\n"), answer("200 OK", "")});
    const auto got = post(server.url() + "/x");
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_EQ(std::to_string(got->status) + " x", status);
    EXPECT_EQ(got->body, "why");
    EXPECT_EQ(server.requests().size(), 1U) << status;
  }
}

TEST_F(Post, GoesToNoOtherServer) {
  const ScriptedServer other({answer("200 OK", "done")});
  for (const std::string status : {"301 x", "302 x", "303 x", "307 x", "308 x"}) {
    const ScriptedServer server({answer(status, "", "Location: " + other.url() + "/y\r\n")});
    const auto got = post(server.url() + "/x");
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_GE(got->status, 300);
    EXPECT_EQ(server.requests().size(), 1U);
  }
  EXPECT_EQ(other.requests().size(), 0U);
}

TEST_F(Post, WhatComesBackIsBounded) {
  const std::string large(200'000, 'x');
  const ScriptedServer server({answer("200 OK", std::string(1000, 'x')),
                               answer("200 OK", std::string(1001, 'x')), answer("500 x", large)});
  EXPECT_EQ(post(server.url() + "/x")->body.size(), 1000U);
  EXPECT_EQ(post(server.url() + "/x").error().code, Errc::corrupt);
  EXPECT_TRUE(client_.sent());
  const auto error = post(server.url() + "/x", large.size());
  ASSERT_TRUE(error) << error.error().what;
  EXPECT_EQ(error->status, 500);
  EXPECT_EQ(error->body.size(), 65536U) << "the page of an error, at most 64 KiB of it";
}

TEST_F(Post, NoWholeAnswerIsNoAnswer) {
  for (const std::string& cut :
       {std::string(), std::string("HTTP/1.1 200 OK\r\n"), std::string("nonsense\r\n\r\n"),
        std::string("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
        std::string("HTTP/1.1 500 x\r\nContent-Length: 9\r\n\r\nhalf")}) {
    const ScriptedServer server({cut, answer("200 OK", "done")});
    const auto got = post(server.url() + "/x");
    ASSERT_FALSE(got) << cut;
    EXPECT_EQ(got.error().code, Errc::unreachable) << cut;
    EXPECT_TRUE(client_.sent()) << "it may have been done";
    EXPECT_EQ(server.requests().size(), 1U) << "and is not sent again";
  }
}

// Answers the first request of a connection, and closes it after it has read the second.
class ForgetfulServer {
 public:
  ForgetfulServer() : port_(listen_on_loopback()), thread_([this] { serve(); }) {}
  ~ForgetfulServer() {
    ::shutdown(port_.listener.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_.number) + "/x";
  }
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void serve() {
    for (;;) {
      const Fd peer(::accept4(port_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!peer.valid()) return;
      const timeval patience{2, 0};
      ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
      for (int number = 1; number <= 2; ++number) {
        if (!read_one(peer)) break;
        ++requests_;
        if (number == 1) send_all(peer, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ndone");
      }
    }
  }
  static bool read_one(const Fd& peer) {
    std::string request;
    std::array<char, 4096> buffer{};
    while (!request.ends_with("{\"a\":1}")) {
      const auto count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
      if (count <= 0) return false;
      request.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return true;
  }

  LoopbackPort port_;
  std::atomic<int> requests_{0};
  std::thread thread_;
};

TEST_F(Post, IsNotSentAgainWhenAReusedConnectionBreaks) {
  const ForgetfulServer server;
  ASSERT_TRUE(post(server.url()));
  const auto second = post(server.url());
  ASSERT_FALSE(second) << "libcurl sent it again by itself";
  EXPECT_EQ(second.error().code, Errc::unreachable);
  EXPECT_TRUE(client_.sent());
  EXPECT_EQ(server.requests(), 2);
}

TEST_F(Post, SaysWhenNothingWasSent) {
  auto got = post("http://127.0.0.1:9/x");
  EXPECT_EQ(got.error().code, Errc::unreachable);
  EXPECT_FALSE(client_.sent());
  for (const auto* url : {"file:///etc/hostname", "ftp://127.0.0.1/x", "http://u:p@127.0.0.1/"}) {
    EXPECT_EQ(post(url).error().code, Errc::invalid) << url;
    EXPECT_FALSE(client_.sent());
  }
}

TEST_F(Post, NothingGoesToAServerThatIsNotBelieved) {
  std::signal(SIGPIPE, SIG_IGN);
  const ScratchDir folder;
  const TlsServer server("IP:127.0.0.1", folder.path() + "/server.pem", "content");
  const auto refused = post(server.url() + "/x");
  EXPECT_EQ(refused.error().code, Errc::untrusted);
  EXPECT_FALSE(client_.sent());
  auto believing = config();
  believing.ca_file = folder.path() + "/server.pem";
  client_ = HttpClient(believing);
  EXPECT_EQ(post(server.url() + "/x")->body, "content");
  EXPECT_EQ(server.answers(), 1);
}

TEST_F(Post, EndsInTime) {
  const LoopbackPort silent = listen_on_loopback();
  const auto start = steady_clock::now();
  const auto got = client_.post("http://127.0.0.1:" + std::to_string(silent.number) + "/x",
                                document_, 100, milliseconds(500));
  EXPECT_EQ(got.error().code, Errc::unreachable);
  EXPECT_TRUE(client_.sent());
  EXPECT_LT(steady_clock::now() - start, seconds(2));
}

TEST_F(Post, NoFieldBecomesTwo) {
  const ScriptedServer server({answer("200 OK", "")});
  const std::string url = server.url() + "/x";
  for (const std::string& value :
       {std::string("a\r\nX: y"), std::string("a\nb"), std::string("a\0b", 3), std::string(" a"),
        std::string("a "), std::string(), std::string("\x7f"),
        std::string(max_field_bytes + 1, 'a')}) {
    document_.fields[RequestField::authorization] = value;
    EXPECT_EQ(post(url).error().code, Errc::invalid) << value;
  }
  document_.fields.clear();
  document_.body.clear();
  EXPECT_EQ(post(url).error().code, Errc::invalid);
  document_.body.assign(max_posted_bytes + 1, 'x');
  EXPECT_EQ(post(url).error().code, Errc::invalid);
  EXPECT_EQ(server.requests().size(), 0U);
}

}  // namespace
}  // namespace cube
