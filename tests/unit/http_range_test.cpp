// Bytes of a document: exactly those that were asked for, in order, whatever the server does.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "base/http/http_client.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/scripted_server.h"

namespace cube {
namespace {

const std::string text = "0123456789abcdefghij";

std::string answer(const std::string& status, const std::string& range, const std::string& body,
                   std::size_t announced) {
  return "HTTP/1.1 " + status + "\r\nConnection: close\r\n" +
         (range.empty() ? "" : "Content-Range: bytes " + range + "\r\n") +
         "Content-Length: " + std::to_string(announced) + "\r\n\r\n" + body;
}
// The bytes from `first` to `last`, of which `sent` come.
std::string part(std::size_t first, std::size_t last, std::size_t sent) {
  return answer("206 Partial Content", std::to_string(first) + "-" + std::to_string(last) + "/20",
                text.substr(first, sent), last - first + 1);
}
std::string part(std::size_t first, std::size_t last) {
  return part(first, last, last - first + 1);
}

class HttpRange : public ::testing::Test {
 protected:
  Status ask(const std::vector<std::string>& answers, const ByteRange& range) {
    const ScriptedServer server(answers);
    HttpConfig config;
    config.allow_http = true;
    config.tries = 3;
    config.through = test_socket();
    config.cancelled = [this] { return cancelled_.load(); };
    got_.clear();
    auto status = HttpClient(config).get_range(server.url() + "/x", range, take_);
    requests_ = server.requests();
    return status;
  }
  void expect(const std::vector<std::string>& answers, Errc code, const std::string& what) {
    const auto status = ask(answers, {5, 10, 20});
    ASSERT_FALSE(status) << got_;
    EXPECT_EQ(status.error().code, code) << status.error().what;
    EXPECT_NE(status.error().what.find(what), std::string::npos) << status.error().what;
    EXPECT_EQ(got_, "") << "nothing is given that was not asked for";
  }
  [[nodiscard]] bool asked(std::size_t request, const std::string& range) const {
    return requests_.size() > request &&
           requests_[request].find("\r\nRange: bytes=" + range + "\r\n") != std::string::npos;
  }

  std::string got_;
  std::vector<std::string> requests_;
  std::atomic<bool> cancelled_{false};
  ByteSink take_ = [this](std::string_view bytes) {
    got_ += bytes;
    return ok();
  };
};

TEST_F(HttpRange, ExactlyWhatWasAskedFor) {
  ASSERT_TRUE(ask({part(5, 14)}, {5, 10, 20}));
  EXPECT_EQ(got_, text.substr(5, 10));
  EXPECT_TRUE(asked(0, "5-14")) << requests_[0];
  ASSERT_TRUE(ask({part(0, 19)}, {0, 20, 20}));
  EXPECT_EQ(got_, text);
}

TEST_F(HttpRange, GoesOnWithTheNextByteAfterEveryBreak) {
  for (std::size_t at = 0; at < 10; ++at) {
    ASSERT_TRUE(ask({part(5, 14, at), part(5 + at, 14)}, {5, 10, 20})) << at;
    EXPECT_EQ(got_, text.substr(5, 10));
    EXPECT_TRUE(asked(1, std::to_string(5 + at) + "-14"));
  }
}

TEST_F(HttpRange, AServerMaySendLessThanWasAskedFor) {
  ASSERT_TRUE(ask({part(5, 8), part(9, 14)}, {5, 10, 20}));
  EXPECT_EQ(got_, text.substr(5, 10));
}

// Tries count only while nothing comes.
TEST_F(HttpRange, GoesOnAsLongAsSomethingComes) {
  std::vector<std::string> drops;
  for (std::size_t at = 5; at < 12; ++at) drops.push_back(part(at, 14, 1));
  drops.push_back(part(12, 14));
  ASSERT_TRUE(ask(drops, {5, 10, 20}));
  EXPECT_EQ(got_, text.substr(5, 10));
  const auto status =
      ask({part(5, 14, 0), part(5, 14, 0), part(5, 14, 0), part(5, 14)}, {5, 10, 20});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unreachable);
}

TEST_F(HttpRange, BadServers) {
  expect({answer("200 OK", "", text, 20)}, Errc::failed, "does not send parts");
  expect({part(4, 13)}, Errc::failed, "does not send parts");
  expect({part(5, 15)}, Errc::failed, "does not send parts");
  expect({answer("206 Partial Content", "", text, 20)}, Errc::failed, "does not send parts");
  expect({answer("206 Partial Content", "5-14/21", text, 10)}, Errc::corrupt, "another file");
  expect({answer("416 Range Not Satisfiable", "", "no", 2)}, Errc::corrupt, "another file");
  expect({answer("404 Not Found", "", "no", 2)}, Errc::not_found, "404");
  const auto busy = answer("503 Service Unavailable", "", "no", 2);
  expect({busy, busy, busy}, Errc::unreachable, "503");
  const auto redirect = std::string("HTTP/1.1 302 Found\r\nLocation: file:///etc/hostname\r\n") +
                        "Connection: close\r\nContent-Length: 0\r\n\r\n";
  expect({redirect, redirect, redirect}, Errc::unreachable, "another scheme");
}

TEST_F(HttpRange, MoreThanWasAnnouncedIsNotGiven) {
  const auto status = ask({answer("206 Partial Content", "5-14/20", text, 20)}, {5, 10, 20});
  EXPECT_LE(got_.size(), 10U);
  EXPECT_EQ(got_, text.substr(0, got_.size()));
}

TEST_F(HttpRange, TheErrorOfTheOneThatTakesIsPassedOn) {
  take_ = [](std::string_view) { return Status(Error{Errc::no_space, "full"}); };
  const auto status = ask({part(5, 14), part(5, 14)}, {5, 10, 20});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::no_space);
  EXPECT_EQ(status.error().what, "full");
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(HttpRange, EndsWhenItIsAskedTo) {
  cancelled_ = true;
  const auto status = ask({part(5, 14, 0), part(5, 14, 0), part(5, 14, 0)}, {5, 10, 20});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::cancelled) << status.error().what;
}

TEST_F(HttpRange, NoSuchRange) {
  for (const ByteRange& range : {ByteRange{0, 0, 20}, {20, 1, 20}, {19, 2, 20}, {~0ULL, 2, 20}}) {
    const auto status = ask({}, range);
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, Errc::invalid);
  }
}

TEST_F(HttpRange, OfAFile) {
  const ScratchDir dir;
  std::ofstream(dir.path() + "/x") << text;
  HttpClient client(HttpConfig{});
  const auto url = "file://" + dir.path() + "/x";
  ASSERT_TRUE(client.get_range(url, {5, 10, 20}, take_));
  EXPECT_EQ(got_, text.substr(5, 10));
  EXPECT_EQ(client.get_range(url, {5, 10, 21}, take_).error().code, Errc::corrupt);
  EXPECT_EQ(client.get_range(url + "y", {5, 10, 20}, take_).error().code, Errc::not_found);
  EXPECT_EQ(client.get_range("file://" + dir.path(), {0, 1, 20}, take_).error().code,
            Errc::not_found);
}

}  // namespace
}  // namespace cube
