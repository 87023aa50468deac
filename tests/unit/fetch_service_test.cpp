// The fetch service and its client, each against another side that does not keep to the rules.
#include "base/http/fetch_service.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <atomic>
#include <fstream>
#include <functional>
#include <thread>

#include "base/http/fetch_frames.h"
#include "base/http/http_client.h"
#include "base/http/transport.h"
#include "base/io.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/loopback.h"
#include "tests/support/scripted_server.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

// A connection to serve_fetches, whose result join() gives.
class Served {
 public:
  Served() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) std::abort();
    ours_ = Fd(ends[0]);
    theirs_ = Fd(ends[1]);
    thread_ = std::thread([this] {
      result_ = serve_fetches(theirs_);
      theirs_.reset();
    });
  }
  ~Served() {
    ours_.reset();
    if (thread_.joinable()) thread_.join();
  }
  void say(const std::string& bytes) const { (void)write_all(ours_, bytes); }
  void say(FrameKind kind, const std::string& content) const { say(encode_frame(kind, content)); }
  void hang_up() { ours_.reset(); }
  Status join() {
    ::shutdown(ours_.get(), SHUT_WR);
    thread_.join();
    return result_;
  }
  // Frames until the end of a request, or of the connection.
  std::vector<Frame> listen() {
    std::vector<Frame> frames;
    for (;;) {
      auto next = cutter_.next();
      if (!next) return frames;
      if (*next) {
        frames.push_back(std::move(**next));
        if (frames.back().kind == FrameKind::end) return frames;
        continue;
      }
      std::array<char, 4096> buffer{};
      const auto got = ::read(ours_.get(), buffer.data(), buffer.size());
      if (got <= 0) return frames;
      cutter_.add({buffer.data(), static_cast<std::size_t>(got)});
    }
  }

 private:
  Fd ours_, theirs_;
  FrameCutter cutter_;
  Status result_ = ok();
  std::thread thread_;
};

std::string settings(bool allow_http = true) {
  FetchSettings given;
  given.allow_http = allow_http;
  given.connect_timeout = seconds(5);
  return encode_settings(given);
}
std::string request(const std::string& url) {
  return encode_request({url, "", "", milliseconds(5000)});
}

TEST(FetchService, GivesOnWhatTheServerSays) {
  const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"});
  Served served;
  served.say(FrameKind::settings, settings());
  served.say(FrameKind::request, request(server.url() + "/x"));
  const auto frames = served.listen();
  ASSERT_GE(frames.size(), 4U);
  EXPECT_EQ(frames.front().content, "HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(frames[frames.size() - 2].content, "body");
  EXPECT_EQ(decode_end(frames.back().content)->end, Transfer::End::whole);
  EXPECT_TRUE(served.join());
}

TEST(FetchService, ReadsNoFileAndNoPlainHttpThatIsNotAllowed) {
  ScratchDir folder;
  std::ofstream(folder.path() + "/secret") << "secret";
  const ScriptedServer server({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"});
  Served served;
  served.say(FrameKind::settings, settings(false));
  for (const std::string& url : {"file://" + folder.path() + "/secret", server.url() + "/x",
                                 std::string("ftp://127.0.0.1/x"), std::string("https://u:p@h/")}) {
    served.say(FrameKind::request, request(url));
    const auto frames = served.listen();
    ASSERT_EQ(frames.size(), 1U) << url;
    const auto end = decode_end(frames[0].content);
    EXPECT_EQ(end->end, Transfer::End::failed);
    EXPECT_EQ(end->code, Errc::invalid) << end->text;
  }
  EXPECT_EQ(server.requests().size(), 0U);
}

TEST(FetchService, SendsADocumentOnceAndOnlyWhereItIsTold) {
  const ScriptedServer other({"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nbody"});
  const ScriptedServer server(
      {"HTTP/1.1 307 x\r\nConnection: close\r\nContent-Length: 0\r\n"
       "Location: " +
       other.url() + "/y\r\n\r\n"});
  Served served;
  served.say(FrameKind::settings, settings());
  TransferRequest asked{server.url() + "/x", "", "", milliseconds(5000)};
  asked.posted = PostedDocument{"document", {}};
  served.say(FrameKind::request, encode_request(asked));
  const auto frames = served.listen();
  ASSERT_GE(frames.size(), 2U);
  EXPECT_EQ(frames.front().content, "HTTP/1.1 307 x\r\n");
  EXPECT_TRUE(decode_end(frames.back().content)->sent);
  EXPECT_EQ(server.requests().size(), 1U);
  EXPECT_EQ(other.requests().size(), 0U);
  asked.url = "file:///etc/hostname";
  served.say(FrameKind::request, encode_request(asked));
  const auto refused = decode_end(served.listen().back().content);
  EXPECT_EQ(refused->code, Errc::invalid);
  EXPECT_FALSE(refused->sent);
  EXPECT_TRUE(served.join());
}

TEST(FetchService, EndsWithAClientThatBreaksTheRules) {
  const std::string url = "http://127.0.0.1:1/";
  const std::vector<std::function<void(Served&)>> breaches = {
      [&](Served& s) { s.say(FrameKind::request, request(url)); },
      [&](Served& s) { s.say("GET / HTTP/1.1\r\n\r\n"); },
      [&](Served& s) { s.say(FrameKind::settings, "short"); },
      [&](Served& s) {
        s.say(FrameKind::settings, settings()), s.say(FrameKind::settings, settings());
      },
      [&](Served& s) {
        s.say(FrameKind::settings, settings()), s.say(FrameKind::request, "short");
      },
      [&](Served& s) { s.say(FrameKind::settings, settings()), s.say("R\5\0\0\0"); },
      [&](Served& s) { s.say("S"); },
  };
  for (std::size_t i = 0; i < breaches.size(); ++i) {
    Served served;
    breaches[i](served);
    const auto result = served.join();
    ASSERT_FALSE(result) << i;
    EXPECT_EQ(result.error().code, Errc::corrupt) << i;
  }
}

TEST(FetchService, AClientThatGoesAwayEndsTheRequest) {
  const LoopbackPort silent = listen_on_loopback();
  Served served;
  served.say(FrameKind::settings, settings());
  served.say(FrameKind::request,
             encode_request({"http://127.0.0.1:" + std::to_string(silent.number) + "/x", "", "",
                             milliseconds(60000)}));
  std::this_thread::sleep_for(milliseconds(300));
  const auto start = steady_clock::now();
  served.hang_up();
  (void)served.join();
  EXPECT_LT(steady_clock::now() - start, seconds(5));
}

// A service of the test's own, that answers each connection with fixed bytes.
class FalseService {
 public:
  explicit FalseService(std::string answer)
      : path_(folder_.path() + "/s"), answer_(std::move(answer)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path_.begin(), path_.end(), address.sun_path);
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        ::listen(listener_.get(), 16) != 0)
      std::abort();
    thread_ = std::thread([this] {
      for (;;) {
        const Fd connection(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!connection.valid()) return;
        ++connections_;
        std::array<char, 65536> buffer{};
        if (::read(connection.get(), buffer.data(), buffer.size()) <= 0) continue;
        (void)::send(connection.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
        ::shutdown(connection.get(), SHUT_WR);
        while (::read(connection.get(), buffer.data(), buffer.size()) > 0) {
        }
      }
    });
  }
  ~FalseService() {
    ::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  Result<std::string> get(std::size_t max = 1000) const {
    HttpConfig config;
    config.allow_http = true;
    config.through = path_;
    config.tries = 2;
    config.deadline = seconds(5);
    return HttpClient(config).get("http://127.0.0.1:1/x", max);
  }
  [[nodiscard]] int connections() const { return connections_; }

 private:
  ScratchDir folder_;
  std::string path_, answer_;
  Fd listener_;
  std::atomic<int> connections_{0};
  std::thread thread_;
};

const std::string head =
    encode_frame(FrameKind::head, "HTTP/1.1 200 OK\r\n") + encode_frame(FrameKind::head, "\r\n");
std::string ended(Transfer::End end, Errc code = Errc::unreachable, const std::string& text = "") {
  return encode_frame(FrameKind::end, encode_end({end, code, text, seconds(0)}));
}

TEST(ProxiedTransport, BelievesNoService) {
  const std::string body = encode_frame(FrameKind::body, "body");
  EXPECT_EQ(FalseService(head + body + ended(Transfer::End::whole)).get().value(), "body");
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"nothing", ""},
      {"cut", head + body},
      {"nonsense", "HTTP/1.1 200 OK\r\n"},
      {"its own request", encode_frame(FrameKind::request, "x")},
      {"no head", body + ended(Transfer::End::whole)},
      {"bad end", head + body + encode_frame(FrameKind::end, "x")},
  };
  for (const auto& [name, answer] : wrong) {
    const FalseService service(answer);
    const auto got = service.get();
    ASSERT_FALSE(got) << name;
    EXPECT_EQ(got.error().code, Errc::unreachable) << name << ": " << got.error().what;
    EXPECT_EQ(service.connections(), 2) << name << ": it is tried again, on a new connection";
  }
}

TEST(ProxiedTransport, TheServiceCannotStopAnUpdateAsAnOperatorDoes) {
  const FalseService service(ended(Transfer::End::failed, Errc::cancelled, "stopped on request"));
  EXPECT_EQ(service.get().error().code, Errc::unreachable);
}

TEST(ProxiedTransport, NoServiceSendsMoreThanWasAskedFor) {
  std::string endless = head;
  for (int i = 0; i < 100; ++i) endless += encode_frame(FrameKind::body, std::string(1000, 'x'));
  EXPECT_EQ(FalseService(endless).get(5000).error().code, Errc::corrupt);
  std::string heads;
  for (int i = 0; i < 100; ++i)
    heads += encode_frame(FrameKind::head, "X: " + std::string(1000, 'x') + "\r\n");
  EXPECT_EQ(FalseService(heads).get().error().code, Errc::corrupt);
}

TEST(ProxiedTransport, WithoutAServiceTheSourceIsOutOfReach) {
  HttpConfig config;
  config.allow_http = true;
  config.through = "/nonexistent/fetch";
  config.tries = 1;
  const auto got = HttpClient(config).get("http://127.0.0.1:1/x", 10);
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::unreachable);
  EXPECT_NE(got.error().what.find("/nonexistent/fetch"), std::string::npos) << got.error().what;
  config.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(HttpClient(config).get("http://127.0.0.1:1/x", 10).error().code, Errc::invalid);
}

TEST(ProxiedTransport, IsCancelledWhileItWaits) {
  const FetchServiceThread service;
  const LoopbackPort silent = listen_on_loopback();
  std::atomic<bool> cancelled{false};
  HttpConfig config;
  config.allow_http = true;
  config.through = service.socket();
  config.cancelled = [&] { return cancelled.load(); };
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(300));
    cancelled = true;
  });
  const auto start = steady_clock::now();
  const auto got =
      HttpClient(config).get("http://127.0.0.1:" + std::to_string(silent.number) + "/x", 10);
  later.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().code, Errc::cancelled);
  EXPECT_LT(steady_clock::now() - start, seconds(3));
}

}  // namespace
}  // namespace cube
