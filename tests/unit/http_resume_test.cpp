// A document that was cut off is continued where it broke, or begun anew, and never put together
// from two different ones.
#include <gtest/gtest.h>

#include "base/http/answer.h"
#include "base/http/http_client.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/scripted_server.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

const std::string text = "0123456789abcdefghij";

std::string fields(const std::vector<std::string>& more) {
  std::string all = "Connection: close\r\n";
  for (const auto& field : more) all += field + "\r\n";
  return all + "\r\n";
}
// The whole document is announced, `sent` bytes come.
std::string whole(const std::string& tag, std::size_t sent, const std::string& of = text) {
  std::vector<std::string> more = {"Content-Length: " + std::to_string(of.size())};
  if (!tag.empty()) more.push_back("ETag: " + tag);
  return "HTTP/1.1 200 OK\r\n" + fields(more) + of.substr(0, sent);
}
std::string part(const std::string& range, const std::string& body, const std::string& tag,
                 std::size_t announced) {
  return "HTTP/1.1 206 Partial Content\r\n" +
         fields({"Content-Range: " + range, "Content-Length: " + std::to_string(announced),
                 "ETag: " + tag}) +
         body;
}
std::string part(const std::string& range, const std::string& body,
                 const std::string& tag = "\"v1\"") {
  return part(range, body, tag, body.size());
}

class Resume : public ::testing::Test {
 protected:
  void play(const std::vector<std::string>& answers, const std::string& expected) {
    const ScriptedServer server(answers);
    HttpConfig config;
    config.allow_http = true;
    config.tries = static_cast<int>(answers.size());
    config.through = test_socket();
    const auto got = HttpClient(config).get(server.url() + "/x", 1000);
    requests_ = server.requests();
    if (expected.empty()) {
      ASSERT_FALSE(got) << *got;
      error_ = got.error();
      return;
    }
    ASSERT_TRUE(got) << got.error().what;
    EXPECT_EQ(*got, expected);
    EXPECT_EQ(requests_.size(), answers.size());
  }
  void expect_asked(std::size_t request, const std::string& range) const {
    ASSERT_GT(requests_.size(), request);
    const auto& asked = requests_[request];
    if (range.empty()) {
      EXPECT_EQ(asked.find("Range:"), std::string::npos) << asked;
      return;
    }
    EXPECT_NE(asked.find("\r\nRange: bytes=" + range + "\r\n"), std::string::npos) << asked;
    EXPECT_NE(asked.find("\r\nIf-Range: \"v1\"\r\n"), std::string::npos) << asked;
  }
  std::vector<std::string> requests_;
  Error error_;
};

TEST_F(Resume, WhereverTheConnectionBreaks) {
  for (const std::size_t at : {1, 5, 19}) {
    play({whole("\"v1\"", at), part("bytes " + std::to_string(at) + "-19/20", text.substr(at))},
         text);
    expect_asked(0, "");
    expect_asked(1, std::to_string(at) + "-");
  }
}

TEST_F(Resume, AsOftenAsItBreaks) {
  play({whole("\"v1\"", 5), part("bytes 5-19/20", text.substr(5, 6), "\"v1\"", 15), "",
        part("bytes 11-19/20", text.substr(11))},
       text);
  expect_asked(1, "5-");
  expect_asked(2, "11-");
  expect_asked(3, "11-");
}

TEST_F(Resume, AServerMaySendLessThanItWasAskedFor) {
  play({whole("\"v1\"", 5), part("bytes 5-9/20", text.substr(5, 5)),
        part("bytes 10-19/20", text.substr(10))},
       text);
  expect_asked(2, "10-");
}

TEST_F(Resume, BeginsAnewWhenTheDocumentChanged) {
  const std::string other = "ABCDEFGHIJ";
  play({whole("\"v1\"", 5), whole("\"v2\"", 10, other)}, other);
  expect_asked(1, "5-");
  play({whole("\"v1\"", 5), whole("\"v2\"", 4, other), part("bytes 4-9/10", "EFGHIJ", "\"v2\"")},
       other);
}

TEST_F(Resume, BeginsAnewAfterAPartOfSomethingElse) {
  const std::vector<std::string> useless = {
      part("bytes 6-19/20", text.substr(6)),            // not the next byte
      part("bytes 0-19/20", text),                      //
      part("bytes 5-19/20", text.substr(5), "\"v2\""),  // of another document
      part("bytes 5-3/20", text.substr(5)),             // no range
      part("bytes 5-19/15", text.substr(5)),            //
      part("5-19/20", text.substr(5)),                  //
      part("bytes 99999999999999999999-5/20", text.substr(5)),
      "HTTP/1.1 416 Range Not Satisfiable\r\n" + fields({"Content-Length: 0"})};
  for (const auto& answer : useless) {
    SCOPED_TRACE(answer);
    play({whole("\"v1\"", 5), answer, whole("\"v1\"", 20)}, text);
    expect_asked(2, "");
  }
}

TEST_F(Resume, OnlyWithAStrongTag) {
  for (const std::string tag : {"", "W/\"v1\"", "v1", "\"", "\"a b\"", "\"\x01\""}) {
    SCOPED_TRACE(tag);
    play({whole(tag, 5), whole(tag, 20)}, text);
    expect_asked(1, "");
  }
  play({whole('"' + std::string(300, 'v') + '"', 5), whole("\"v1\"", 20)}, text);
  expect_asked(1, "");
}

TEST_F(Resume, APartThatNobodyAskedForIsNoDocument) {
  play({part("bytes 0-19/20", text)}, "");
  EXPECT_EQ(error_.code, Errc::unreachable) << error_.what;
}

TEST_F(Resume, TheLimitCountsAllParts) {
  const std::string rest(999, 'x');
  play({whole("\"v1\"", 5), part("bytes 5-1003/1004", rest)}, "");
  EXPECT_EQ(error_.code, Errc::corrupt) << error_.what;
}

TEST_F(Resume, AfterAnErrorOfTheServerWhatCameStays) {
  play({whole("\"v1\"", 5), "HTTP/1.1 503 Busy\r\n" + fields({"Content-Length: 4"}) + "busy",
        part("bytes 5-19/20", text.substr(5))},
       text);
}

TEST_F(Resume, AnswersOnTheWayAreNotTheDocument) {
  play({"HTTP/1.1 103 Early Hints\r\nETag: \"early\"\r\n\r\n" + whole("\"v1\"", 5),
        part("bytes 5-19/20", text.substr(5))},
       text);
  play({"HTTP/1.1 302 Found\r\n" + fields({"Location: /y", "ETag: \"moved\"", "Content-Length: 0"}),
        whole("\"v1\"", 5), part("bytes 5-19/20", text.substr(5))},
       text);
}

TEST_F(Resume, AHeadThatIsCutOffIsNoAnswer) {
  for (const std::string cut :
       {"HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\n",
        "HTTP/1.1 206 Partial\r\nContent-Range: bytes 5-19/20\r\n"}) {
    SCOPED_TRACE(cut);
    play({whole("\"v1\"", 5), cut, part("bytes 5-19/20", text.substr(5))}, text);
    expect_asked(2, "5-");
    play({cut}, "");
    EXPECT_EQ(error_.code, Errc::unreachable) << error_.what;
  }
}

TEST(HttpAnswer, TrailersChangeNothing) {
  PartialDocument document;
  Answer answer(document, 100);
  for (const auto* line : {"HTTP/1.1 200 OK\r\n", "ETag: \"v1\"\r\n", "\r\n"})
    EXPECT_TRUE(answer.take_head(line));
  EXPECT_TRUE(answer.take_body("content"));
  for (const auto* line : {"ETag: \"v2\"\r\n", "HTTP/1.1 404 Not Found\r\n", "\r\n"})
    EXPECT_TRUE(answer.take_head(line));
  EXPECT_TRUE(answer.is_document());
  answer.give_up();
  EXPECT_EQ(document.bytes, "content");
  EXPECT_EQ(document.entity_tag, "\"v1\"");
}

TEST(HttpAnswer, StatusLines) {
  for (const auto& [line, status] :
       std::vector<std::pair<std::string, int>>{{"HTTP/1.1 200 OK", 200},
                                                {"HTTP/2 206", 206},
                                                {"HTTP/1.1", 0},
                                                {"HTTP/1.1 ", 0},
                                                {"HTTP/1.1 -200", 0},
                                                {"HTTP/1.1 2000", 0},
                                                {"HTTP/1.1 99999999999999999999 x", 0}}) {
    PartialDocument document;
    Answer answer(document, 100);
    EXPECT_TRUE(answer.take_head(line + "\r\n"));
    EXPECT_EQ(answer.status(), status) << line;
  }
}

TEST(HttpBandwidth, IsCapped) {
  const std::string large(2'000'000, 'x');
  const ScriptedServer server({whole("", large.size(), large)});
  HttpConfig config;
  config.allow_http = true;
  config.max_bytes_per_second = 1'500'000;
  config.through = test_socket();
  const auto start = steady_clock::now();
  EXPECT_EQ(HttpClient(config).get(server.url() + "/x", large.size()).value(), large);
  EXPECT_GE(steady_clock::now() - start, milliseconds(800));
}

}  // namespace
}  // namespace cube
