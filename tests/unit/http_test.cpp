#include "base/http/http_client.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <set>

#include "base/file_url.h"
#include "base/http/pause.h"
#include "tests/support/appliance_and_repository.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/static_server.h"
#include "tests/support/tls_server.h"

namespace cube {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

class Http : public ::testing::Test {
 protected:
  Http() : server_(folder_.path()) {
    std::ofstream(folder_.path() + "/file") << "content";
    config_.allow_http = true;
    config_.deadline = seconds(2);
    config_.tries = 1;
    config_.through = test_socket();
  }
  [[nodiscard]] Result<std::string> ask(const std::string& url, std::size_t max) const {
    return HttpClient(config_).get(url, max);
  }
  [[nodiscard]] Result<std::string> get(std::size_t max = 1000) const {
    return ask(server_.url() + "/file", max);
  }
  Errc code_with(Fault fault) {
    server_.set_fault("/file", fault);
    const auto answer = get();
    EXPECT_FALSE(answer);
    server_.clear_faults();
    EXPECT_EQ(get().value(), "content") << "the next one is good";
    return answer ? Errc::bug : answer.error().code;
  }

  ScratchDir folder_;
  StaticServer server_;
  HttpConfig config_;
};

TEST_F(Http, FetchesAWholeDocument) {
  EXPECT_EQ(get().value(), "content");
  EXPECT_EQ(get(7).value(), "content");
  EXPECT_EQ(get(6).error().code, Errc::corrupt);
  EXPECT_EQ(ask(server_.url() + "/other", 10).error().code, Errc::not_found);
}

TEST_F(Http, Faults) {
  EXPECT_EQ(code_with(Fault::not_found), Errc::not_found);
  EXPECT_EQ(code_with(Fault::server_error), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::truncate), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::endless), Errc::corrupt);
  EXPECT_EQ(code_with(Fault::endless_not_found), Errc::not_found);
  EXPECT_EQ(code_with(Fault::endless_head), Errc::corrupt);
  EXPECT_EQ(code_with(Fault::too_many_requests), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::hang_up), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::redirect_to_file), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::redirect_to_itself), Errc::failed);
}

TEST_F(Http, TheDeadlineEndsDripAndSilence) {
  config_.deadline = seconds(1);
  for (const auto fault : {Fault::drip, Fault::silence}) {
    const auto start = steady_clock::now();
    server_.set_fault("/file", fault);
    EXPECT_EQ(get().error().code, Errc::unreachable);
    EXPECT_LT(steady_clock::now() - start, seconds(2));
  }
}

TEST_F(Http, RedirectsAreBounded) {
  server_.set_fault("/file", Fault::redirect_to_itself);
  EXPECT_FALSE(get());
  EXPECT_EQ(server_.requests(), 4);
}

TEST_F(Http, TriesAgainOnlyWhenThatMayHelp) {
  config_.tries = 3;
  server_.set_fault("/file", Fault::server_error_once);
  EXPECT_EQ(get().value(), "content");
  EXPECT_EQ(server_.requests(), 2);
  server_.set_fault("/file", Fault::not_found);
  EXPECT_FALSE(get());
  EXPECT_EQ(server_.requests(), 3) << "404 is an answer";
  server_.set_fault("/file", Fault::server_error);
  EXPECT_FALSE(get());
  EXPECT_EQ(server_.requests(), 6);
}

TEST(HttpPause, GrowsWithinBoundsAndIsRandomInPart) {
  using std::chrono::milliseconds;
  for (const auto& [failed, longest] : std::vector<std::pair<int, int>>{{1, 200},
                                                                        {2, 400},
                                                                        {3, 800},
                                                                        {6, 6400},
                                                                        {7, 10'000},
                                                                        {8, 10'000},
                                                                        {1'000'000, 10'000}}) {
    std::set<milliseconds> seen;
    for (std::uint32_t random = 0; random < 10'001; ++random) {
      const auto pause = pause_after(failed, random, seconds(0));
      EXPECT_GE(pause, milliseconds(longest / 2));
      EXPECT_LE(pause, milliseconds(longest));
      seen.insert(pause);
    }
    EXPECT_GT(seen.size(), 50U);
  }
  EXPECT_EQ(pause_after(1, 7, seconds(30)), seconds(30)) << "what the server asked for";
}

TEST_F(Http, WaitsAsLongAsTheServerAsksAndNoLongerThanTheDeadline) {
  config_.tries = 3;
  config_.deadline = seconds(5);
  auto start = steady_clock::now();
  server_.set_fault("/file", Fault::come_back_in_1_s_once);
  EXPECT_EQ(get().value(), "content");
  EXPECT_GE(steady_clock::now() - start, seconds(1));
  server_.set_fault("/file", Fault::come_back_tomorrow);
  start = steady_clock::now();
  EXPECT_EQ(get().error().code, Errc::unreachable);
  EXPECT_LT(steady_clock::now() - start, seconds(4)) << "not waited in vain";
}

TEST_F(Http, CredentialsInUrlsAreRefusedAndNotRepeated) {
  for (const std::string url :
       {"https://me:secret@127.0.0.1/x", "http://secret@127.0.0.1?x",
        "https:///me:secret@127.0.0.1/x", "https:////secret@127.0.0.1/x", "me:secret@127.0.0.1/x",
        "http:/me:secret@127.0.0.1/x", "ftp://me:secret@127.0.0.1/x"}) {
    const auto answer = ask(url, 10);
    EXPECT_EQ(answer.error().code, Errc::invalid);
    EXPECT_EQ(answer.error().what.find("secret"), std::string::npos) << answer.error().what;
  }
  EXPECT_EQ(ask("http://127.0.0.1:9/me@here", 10).error().code, Errc::unreachable) << "a path";
}

TEST_F(Http, SchemesAndUrls) {
  config_.allow_http = false;
  EXPECT_EQ(get().error().code, Errc::invalid);
  EXPECT_EQ(server_.requests(), 0);
  for (const auto* url :
       {"ftp://127.0.0.1/x", "gopher://127.0.0.1/", "file", "", "http:/x", "https://a b/",
        "https://a\n/", "file://etc/hostname", "https:///x", "https://"})
    EXPECT_EQ(ask(url, 10).error().code, Errc::invalid) << url;
}

TEST_F(Http, TheEnvironmentsProxyIsNotAsked) {
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);
  ::setenv("no_proxy", "", 1);
  EXPECT_TRUE(get());
  ::setenv("no_proxy", "127.0.0.1", 1);
  config_.proxy = "http://127.0.0.1:9";
  EXPECT_EQ(get().error().code, Errc::unreachable) << "the configured one is";
  ::unsetenv("http_proxy");
  ::unsetenv("no_proxy");
}

TEST_F(Http, NobodyListens) {
  EXPECT_EQ(ask("http://127.0.0.1:9/x", 10).error().code, Errc::unreachable);
}

TEST_F(Http, FilesAreReadUnderTheSameCap) {
  const auto url = "file://" + folder_.path();
  EXPECT_EQ(ask(url + "/file", 7).value(), "content");
  EXPECT_EQ(ask(url + "/file", 6).error().code, Errc::corrupt);
  EXPECT_EQ(ask(url + "/none", 6).error().code, Errc::not_found);
  EXPECT_EQ(ask(url, 6).error().code, Errc::not_found) << "a folder";
  EXPECT_EQ(ask("file:///dev/zero", 6).error().code, Errc::not_found);
}

TEST_F(Http, PathsOnDiskMayHoldAnything) {
  const auto folder = folder_.path() + "/USB DISK \xc3\xbc%20#1?\n";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/file") << "content";
  EXPECT_EQ(ask(file_url(folder) + "/file", 7).value(), "content");
  EXPECT_EQ(ask("file://" + folder + "/file", 7).error().code, Errc::invalid);
}

TEST(FileUrl, ThereAndBack) {
  EXPECT_EQ(file_url("/media/USB DISK/a+b~%.\xc3\xbc"), "file:///media/USB%20DISK/a+b~%25.%C3%BC");
  std::string every;
  for (int c = 1; c < 256; ++c) every += static_cast<char>(c);
  EXPECT_EQ(path_of_file_url(file_url("/" + every)).value(), "/" + every);
  EXPECT_EQ(path_of_file_url("file:///%c3%BC").value(), "/\xc3\xbc");
  for (const auto* wrong : {"", "file://", "file://host/x", "/x", "http:///x", "file:///%",
                            "file:///%4", "file:///a%zz", "file:///a%00b", "file:///a%4z"})
    EXPECT_EQ(path_of_file_url(wrong).error().code, Errc::invalid) << wrong;
}

class Https : public ::testing::Test {
 protected:
  // A refused client resets the connection under the server's write.
  Https() { std::signal(SIGPIPE, SIG_IGN); }
  [[nodiscard]] Result<std::string> get(const TlsServer& server, const std::string& ca_file) const {
    HttpConfig config;
    config.ca_file = ca_file;
    config.deadline = seconds(5);
    config.tries = 1;
    config.through = test_socket();
    return HttpClient(config).get(server.url() + "/file", 100);
  }
  ScratchDir folder_;
  std::string certificate_ = folder_.path() + "/server.pem";
};

TEST_F(Https, ACertificateFromTheConfiguredFileIsBelieved) {
  const TlsServer server("IP:127.0.0.1", certificate_, "content");
  EXPECT_EQ(get(server, certificate_).value(), "content");
  EXPECT_EQ(server.answers(), 1);
}

TEST_F(Https, OtherCertificatesAreNotAndTheRequestIsNotEvenSent) {
  const TlsServer server("IP:127.0.0.1", certificate_, "content");
  const TlsServer stranger("IP:127.0.0.1", folder_.path() + "/stranger.pem", "content");
  EXPECT_EQ(get(server, "").error().code, Errc::untrusted) << "the system's certificates";
  EXPECT_EQ(get(server, folder_.path() + "/stranger.pem").error().code, Errc::untrusted);
  EXPECT_EQ(server.answers(), 0);
}

TEST_F(Https, TheHostMustBeTheOneInTheCertificate) {
  const TlsServer server("DNS:other.example", certificate_, "content");
  EXPECT_EQ(get(server, certificate_).error().code, Errc::untrusted);
  EXPECT_EQ(server.answers(), 0);
}

TEST_F(Https, ACertificateCountsOnlyWhileItIsValid) {
  for (const auto validity : {TlsServer::Validity{-7200, -3600}, TlsServer::Validity{3600, 7200}}) {
    const TlsServer server("IP:127.0.0.1", certificate_, "content", validity);
    EXPECT_EQ(get(server, certificate_).error().code, Errc::untrusted);
    EXPECT_EQ(server.answers(), 0);
  }
}

TEST_F(Https, AMissingCertificateFileIsAWrongConfiguration) {
  const TlsServer server("IP:127.0.0.1", certificate_, "content");
  EXPECT_EQ(get(server, folder_.path() + "/none.pem").error().code, Errc::invalid);
}

class RepositoryOverHttp : public ApplianceAndRepository {
 protected:
  RepositoryOverHttp() : server_(repository_.path()) { url_ = server_.url() + "/"; }
  StaticServer server_;
};

TEST_F(RepositoryOverHttp, EveryFaultAtEveryDocument) {
  for (const std::string path : {"/2.root.json", "/timestamp.json", "/1.snapshot.json",
                                 "/1.targets.json", ".manifest.json"}) {
    for (const auto fault : {Fault::not_found, Fault::server_error, Fault::truncate, Fault::endless,
                             Fault::hang_up, Fault::redirect_to_file, Fault::redirect_to_itself,
                             Fault::endless_head, Fault::too_many_requests}) {
      if (path == "/2.root.json" && (fault == Fault::not_found || fault == Fault::truncate))
        continue;  // there is none: 404 is the good answer, and half of nothing is nothing
      SCOPED_TRACE(path + " fault " + std::to_string(static_cast<int>(fault)));
      std::filesystem::remove_all(appliance_.path() + "/var");
      const auto before = persisted();
      server_.set_fault(path, fault);
      EXPECT_FALSE(ask());
      if (path != ".manifest.json") {
        EXPECT_EQ(persisted(), before);
      }
      server_.clear_faults();
      expect_accepted();
    }
  }
}

TEST_F(RepositoryOverHttp, ADripEndsAtTheDeadline) {
  server_.set_fault("/timestamp.json", Fault::drip);
  const auto start = steady_clock::now();
  expect_refused(Errc::unreachable, "timestamp.json");
  EXPECT_LT(steady_clock::now() - start, seconds(3));
  server_.clear_faults();
  expect_accepted();
}

}  // namespace
}  // namespace cube
