// The client of a FleetLock, against a server of the test's own: airlock is not in Debian, so none
// was tried. Statuses and members are the protocol's; the words are made up, but for a conflict's.
#include "agent/fleet/fleet_lock.h"

#include <gtest/gtest.h>

#include "tests/support/fetch_service_thread.h"
#include "tests/support/scripted_server.h"

namespace cube::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string answer(int status, const std::string& body = "") {
  return "HTTP/1.1 " + std::to_string(status) +
         " x\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}
std::string refusal(int status, const std::string& kind, const std::string& value) {
  return answer(status, R"({"kind":")" + kind + R"(","value":")" + value + "\"}");
}
const std::string full = refusal(500, "failed_lock", "all 1 semaphore slots currently locked");
const std::string conflict = refusal(500, "failed_lock", "conflict on semaphore detected");

class FleetLockTest : public ::testing::TestWithParam<bool> {
 protected:
  FleetLockTest() {
    config_.group = "rack-1.a";
    config_.id = "0123456789abcdef0123456789abcdef";
    config_.http.allow_http = true;
    config_.http.tries = 4;
    config_.http.deadline = seconds(5);
    if (GetParam()) config_.http.through = service_.socket();
    config_.wait = [this](milliseconds pause) {
      pauses_.push_back(pause);
      return true;
    };
  }
  Status pre_reboot(const ScriptedServer& server) {
    config_.url = server.url() + "/";
    pauses_.clear();
    return FleetLock::open(config_)->pre_reboot();
  }

  FetchServiceThread service_;
  FleetLockConfig config_;
  std::vector<milliseconds> pauses_;
};

TEST_P(FleetLockTest, AsksAsTheProtocolSays) {
  const ScriptedServer server({answer(200), answer(200)});
  config_.url = server.url();
  auto lock = FleetLock::open(config_);
  EXPECT_TRUE(lock->pre_reboot());
  EXPECT_TRUE(lock->steady_state());
  const auto requests = server.requests();
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].find("POST /v1/pre-reboot HTTP/1.1\r\n"), 0U) << requests[0];
  EXPECT_EQ(requests[1].find("POST /v1/steady-state HTTP/1.1\r\n"), 0U) << requests[1];
  for (const auto& request : requests) {
    EXPECT_NE(request.find("\r\nfleet-lock-protocol: true\r\n"), std::string::npos);
    EXPECT_EQ(request.substr(request.find("\r\n\r\n") + 4),
              R"({"client_params":{"group":"rack-1.a","id":"0123456789abcdef0123456789abcdef"}})");
  }
}

TEST_P(FleetLockTest, AConflictPassesWhenItIsAskedAgain) {
  const ScriptedServer server({conflict, conflict, answer(200)});
  EXPECT_TRUE(pre_reboot(server));
  EXPECT_EQ(server.requests().size(), 3U);
  ASSERT_EQ(pauses_.size(), 2U);
  EXPECT_GE(pauses_[1], milliseconds(200));
}

TEST_P(FleetLockTest, FullIsSaidWithItsReasonAfterAFewTries) {
  const ScriptedServer server({full, full, full, full, answer(200)});
  const auto status = pre_reboot(server);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::busy);
  EXPECT_NE(status.error().what.find("failed_lock: all 1 semaphore slots currently locked"),
            std::string::npos)
      << status.error().what;
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_P(FleetLockTest, RefusalsThatDoNotPassAreNamedAtOnce) {
  const std::vector<std::pair<std::string, Errc>> refusals = {
      {refusal(400, "empty_client_params", "client_params"), Errc::invalid},
      {refusal(404, "x", "y"), Errc::invalid},
      {answer(405), Errc::invalid},
      {answer(401), Errc::untrusted},
      {answer(403, "<html>"), Errc::untrusted},
      {answer(302), Errc::corrupt},
      {answer(204), Errc::corrupt},
  };
  for (const auto& [said, code] : refusals) {
    const ScriptedServer server({said, answer(200)});
    const auto status = pre_reboot(server);
    ASSERT_FALSE(status) << said;
    EXPECT_EQ(status.error().code, code) << said;
    EXPECT_EQ(server.requests().size(), 1U) << said;
  }
}

TEST_P(FleetLockTest, ALockThatDoesNotAnswerIsNoLeave) {
  const ScriptedServer server({"", answer(503), "nonsense\r\n\r\n", answer(502), answer(200)});
  const auto status = pre_reboot(server);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::unreachable);
  EXPECT_EQ(server.requests().size(), 4U);
}

TEST_P(FleetLockTest, WhatItSaysIsBoundedAndShownOnlyIfItCanBe) {
  const ScriptedServer server({answer(400, R"({"kind":"\u001b[2J","value":7})"),
                               answer(400, R"({"kind":")" + std::string(5000, 'x') + "\"}"),
                               answer(400, std::string(200'000, '['))});
  EXPECT_NE(pre_reboot(server).error().what.find("without a reason"), std::string::npos);
  EXPECT_LT(pre_reboot(server).error().what.size(), 400U);
  EXPECT_NE(pre_reboot(server).error().what.find("without a reason"), std::string::npos);
}

TEST_P(FleetLockTest, StopsWhenItIsToldTo) {
  const ScriptedServer server({full, answer(200)});
  config_.wait = [](milliseconds) { return false; };
  config_.url = server.url();
  EXPECT_EQ(FleetLock::open(config_)->pre_reboot().error().code, Errc::cancelled);
  EXPECT_EQ(server.requests().size(), 1U);
}

TEST_P(FleetLockTest, WhatCannotBeIsRefused) {
  const auto refused = [this](const std::string& url, const std::string& group,
                              const std::string& id) {
    auto config = config_;
    config.url = url, config.group = group, config.id = id;
    const auto lock = FleetLock::open(config);
    return !lock && lock.error().code == Errc::invalid;
  };
  EXPECT_FALSE(refused("https://lock.example/base", "a", "b"));
  for (const std::string& group : {std::string(), std::string("a b"), std::string("a/b"),
                                   std::string("a_b"), std::string(129, 'a')})
    EXPECT_TRUE(refused("https://lock.example", group, "b")) << group;
  for (const std::string& id : {std::string(), std::string("a\n"), std::string(129, 'a')})
    EXPECT_TRUE(refused("https://lock.example", "a", id)) << id;
  for (const auto* url : {"", "file:///x", "https://u:p@h", "lock.example"})
    EXPECT_TRUE(refused(url, "a", "b")) << url;
}

INSTANTIATE_TEST_SUITE_P(Ways, FleetLockTest, ::testing::Bool(), [](const auto& one) {
  return one.param ? "through_the_service" : "directly";
});

}  // namespace
}  // namespace cube::fleet
