// Which endpoint is asked, how often, and what a hostile one can do; directly and through the fetch
// service.
#include "agent/fleet/etcd_gateway.h"

#include <gtest/gtest.h>

#include "agent/fleet/etcd_store.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/scripted_server.h"

namespace cube::fleet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

const std::string gate = "/cube-update/v1/c/gate/";
const std::string empty = R"({"header":{"cluster_id":"1","revision":"9"}})";
const std::string done = R"({"header":{"cluster_id":"1","revision":"9"},"succeeded":true,)"
                         R"("responses":[{"response_put":{}}]})";
const Transaction change{{}, {{Change::Kind::put, gate + "a", "x"}}, ""};

std::string answer(const std::string& status, const std::string& body) {
  return "HTTP/1.1 " + status +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
         body;
}
std::string refusal(int status, int code, const std::string& why) {
  return answer(std::to_string(status) + " x",
                R"({"message":")" + why + R"(","code":)" + std::to_string(code) + "}");
}

class EtcdEndpoints : public ::testing::TestWithParam<bool> {
 protected:
  EtcdStore open(const std::vector<std::string>& urls,
                 milliseconds patience = milliseconds(700)) {
    EtcdConfig config;
    config.endpoints = urls;
    config.allow_http = true;
    config.request_timeout = patience;
    config.deadline = 4 * patience;
    if (GetParam()) config.through = service_.socket();
    return EtcdStore::open(config).value();
  }
  FetchServiceThread service_;
};

const std::string nobody = "http://127.0.0.1:9";

TEST_P(EtcdEndpoints, TheNextIsAskedAndKept) {
  const ScriptedServer one({answer("200 OK", empty), answer("200 OK", empty)});
  auto store = open({nobody, one.url()});
  EXPECT_TRUE(store.read(gate));
  EXPECT_TRUE(store.read(gate));
  EXPECT_EQ(one.requests().size(), 2U);
  const auto request = one.requests()[0];
  EXPECT_EQ(request.find("POST /v3/kv/range HTTP/1.1\r\n"), 0U);
  EXPECT_NE(request.find("\r\nGrpc-Metadata-hasleader: true\r\n"), std::string::npos);
  EXPECT_EQ(request.find("serializable"), std::string::npos);
}

TEST_P(EtcdEndpoints, ReadingsAreAskedOfEveryMemberOnce) {
  const ScriptedServer one({refusal(503, 14, "etcdserver: request timed out")});
  const ScriptedServer two({refusal(429, 8, "etcdserver: too many requests")});
  const ScriptedServer three({"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"});
  auto store = open({one.url(), two.url(), three.url()});
  EXPECT_EQ(store.read(gate).error().code, Errc::unreachable);
  EXPECT_EQ(one.requests().size() + two.requests().size() + three.requests().size(), 3U);
}

TEST_P(EtcdEndpoints, WhatMayHaveBeenDoneIsNotAskedForAgain) {
  for (const auto& lost : {refusal(503, 14, "etcdserver: request timed out"), std::string(),
                           std::string("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{"),
                           answer("502 Bad Gateway", "<html>")}) {
    const ScriptedServer one({lost}), two({answer("200 OK", done), answer("200 OK", done)});
    auto store = open({one.url(), two.url()});
    const auto committed = store.commit(change);
    ASSERT_FALSE(committed) << lost;
    EXPECT_EQ(committed.error().code, Errc::unreachable);
    EXPECT_NE(committed.error().what.find("may have been done"), std::string::npos);
    EXPECT_EQ(two.requests().size(), 0U) << lost;
    EXPECT_TRUE(store.commit(change)) << "the other one is asked from now on";
    EXPECT_EQ(two.requests().size(), 1U);
  }
}

TEST_P(EtcdEndpoints, WhatWasCertainlyNotDoneIs) {
  const ScriptedServer one({refusal(429, 8, "etcdserver: too many requests")});
  const ScriptedServer two({answer("200 OK", done)});
  auto store = open({nobody, one.url(), two.url()});
  const auto committed = store.commit(change);
  ASSERT_TRUE(committed) << committed.error().what;
  EXPECT_TRUE(committed->done);
}

TEST_P(EtcdEndpoints, ARefusalIsFinal) {
  const std::vector<std::pair<std::string, Errc>> refusals = {
      {refusal(429, 8, "etcdserver: mvcc: database space exceeded"), Errc::no_space},
      {refusal(403, 7, "etcdserver: permission denied"), Errc::untrusted},
      {refusal(400, 3, "etcdserver: request is too large"), Errc::invalid},
      {refusal(401, 16, "etcdserver: invalid auth token"), Errc::untrusted},
      {answer("404 Not Found", "no such page"), Errc::corrupt},
      {answer("301 x", ""), Errc::corrupt},
      {answer("200 OK", "{}"), Errc::corrupt},
  };
  for (const auto& [said, code] : refusals) {
    const ScriptedServer one({said}), two({answer("200 OK", done)});
    auto store = open({one.url(), two.url()});
    const auto committed = store.commit(change);
    ASSERT_FALSE(committed) << said;
    EXPECT_EQ(committed.error().code, code) << said << committed.error().what;
    EXPECT_EQ(two.requests().size(), 0U) << said;
  }
}

TEST_P(EtcdEndpoints, HostileAnswersAreCutOff) {
  std::string large = "HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n";
  large.resize(large.size() + max_etcd_answer + 100'000, ' ');
  const ScriptedServer server({large, answer("200 OK", std::string(200'000, '[')),
                               answer("500 x", std::string(2'000'000, 'x'))});
  auto store = open({server.url()}, milliseconds(10'000));
  EXPECT_EQ(store.read(gate).error().code, Errc::corrupt);
  EXPECT_EQ(store.read(gate).error().code, Errc::corrupt);
  EXPECT_EQ(store.read(gate).error().code, Errc::unreachable);
}

TEST_P(EtcdEndpoints, SilenceEndsInTime) {
  const LoopbackPort silent = listen_on_loopback(), too = listen_on_loopback();
  auto store = open({"http://127.0.0.1:" + std::to_string(silent.number),
                     "http://127.0.0.1:" + std::to_string(too.number)});
  const auto start = steady_clock::now();
  EXPECT_EQ(store.read(gate).error().code, Errc::unreachable);
  EXPECT_LT(steady_clock::now() - start, seconds(3));
}

TEST_P(EtcdEndpoints, KeysOfOthersAreNotTouched) {
  const ScriptedServer server({answer("200 OK", empty)});
  auto store = open({server.url()});
  EXPECT_EQ(store.read("/registry/").error().code, Errc::invalid);
  EXPECT_EQ(store.read("/").error().code, Errc::invalid);
  EXPECT_EQ(store.commit({{}, {{Change::Kind::erase, "/registry/x", ""}}, ""}).error().code,
            Errc::invalid);
  EXPECT_EQ(server.requests().size(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Ways, EtcdEndpoints, ::testing::Bool(), [](const auto& one) {
  return one.param ? "through_the_service" : "directly";
});

TEST(EtcdConfigTest, WhatCannotBeIsRefused) {
  EtcdConfig good;
  good.endpoints = {"https://10.0.0.1:2379", "https://[::1]:2379/"};
  EXPECT_TRUE(EtcdGateway::open(good));
  const auto refused = [&](const std::function<void(EtcdConfig&)>& change_it) {
    auto config = good;
    change_it(config);
    const auto gateway = EtcdGateway::open(config);
    return !gateway && gateway.error().code == Errc::invalid;
  };
  EXPECT_TRUE(refused([](auto& c) { c.endpoints.clear(); }));
  EXPECT_TRUE(refused([](auto& c) { c.endpoints.assign(17, "https://h:1"); }));
  for (const auto* url : {"http://h:1", "https://u:p@h:1", "https://h:1/path", "https://h:1?x",
                          "file:///etc", "h:1", ""})
    EXPECT_TRUE(refused([&](auto& c) { c.endpoints = {url}; })) << url;
  EXPECT_TRUE(refused([](auto& c) { c.user = "u"; })) << "no password";
  EXPECT_TRUE(refused([](auto& c) { c.password_file = "/p"; })) << "no user";
  EXPECT_TRUE(refused([](auto& c) {
    c.user = "u", c.password_file = "/p", c.allow_http = true, c.endpoints = {"http://h:1"};
  })) << "a password in the clear";
  EXPECT_TRUE(refused([](auto& c) { c.prefix.clear(); }));
}

}  // namespace
}  // namespace cube::fleet
