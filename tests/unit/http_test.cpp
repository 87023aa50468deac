#include "base/http.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include "tests/support/appliance_and_repository.h"
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
  }
  [[nodiscard]] Result<std::string> get(std::size_t max = 1000) const {
    return http_get(server_.url() + "/file", max, config_);
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
  EXPECT_EQ(http_get(server_.url() + "/other", 10, config_).error().code, Errc::not_found);
}

TEST_F(Http, Faults) {
  EXPECT_EQ(code_with(Fault::not_found), Errc::not_found);
  EXPECT_EQ(code_with(Fault::server_error), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::truncate), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::endless), Errc::corrupt);
  EXPECT_EQ(code_with(Fault::hang_up), Errc::unreachable);
  EXPECT_EQ(code_with(Fault::redirect_to_file), Errc::invalid);
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

TEST_F(Http, SchemesAndUrls) {
  config_.allow_http = false;
  EXPECT_EQ(get().error().code, Errc::invalid);
  EXPECT_EQ(server_.requests(), 0);
  for (const auto* url : {"ftp://127.0.0.1/x", "gopher://127.0.0.1/", "file", "", "http:/x",
                          "https://a b/", "https://a\n/", "file://etc/hostname"})
    EXPECT_EQ(http_get(url, 10, config_).error().code, Errc::invalid) << url;
}

TEST_F(Http, TheEnvironmentsProxyIsNotAsked) {
  ::setenv("http_proxy", "http://127.0.0.1:9", 1);
  ::setenv("no_proxy", "", 1);
  EXPECT_TRUE(get());
  config_.proxy = "http://127.0.0.1:9";
  EXPECT_EQ(get().error().code, Errc::unreachable);
  ::unsetenv("http_proxy");
  ::unsetenv("no_proxy");
}

TEST_F(Http, NobodyListens) {
  EXPECT_EQ(http_get("http://127.0.0.1:9/x", 10, config_).error().code, Errc::unreachable);
}

TEST_F(Http, FilesAreReadUnderTheSameCap) {
  const auto url = "file://" + folder_.path();
  EXPECT_EQ(http_get(url + "/file", 7, config_).value(), "content");
  EXPECT_EQ(http_get(url + "/file", 6, config_).error().code, Errc::corrupt);
  EXPECT_EQ(http_get(url + "/none", 6, config_).error().code, Errc::not_found);
  EXPECT_EQ(http_get(url, 6, config_).error().code, Errc::not_found) << "a folder";
  EXPECT_EQ(http_get("file:///dev/zero", 6, config_).error().code, Errc::not_found);
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
    return http_get(server.url() + "/file", 100, config);
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
                             Fault::hang_up, Fault::redirect_to_file, Fault::redirect_to_itself}) {
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
