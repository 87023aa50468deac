// The store on real etcd servers: users and certificates, full, members that die or freeze, and
// what others write.
#include "agent/fleet/etcd_store.h"

#include <gtest/gtest.h>

#include <chrono>
#include <fstream>
#include <iostream>
#include <thread>

#include "agent/fleet/etcd_members.h"
#include "base/base64.h"
#include "base/http/http_client.h"
#include "tests/support/etcd_server.h"
#include "tests/support/fetch_service_thread.h"
#include "tests/support/test_certificates.h"

namespace cube::fleet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

const std::string gate = "/cube-update/v1/c/gate/";

Transaction puts(const std::string& key, const std::string& value) {
  return {{}, {{Change::Kind::put, key, value}}, ""};
}
Transaction erases(const std::string& key) {
  return {{}, {{Change::Kind::erase, key, ""}}, ""};
}
EtcdConfig plain(const std::vector<std::string>& urls) {
  EtcdConfig config;
  config.endpoints = urls;
  config.allow_http = true;
  return config;
}
EtcdStore open(const EtcdConfig& config) {
  return EtcdStore::open(config).value();
}
milliseconds since(steady_clock::time_point start) {
  return duration_cast<milliseconds>(steady_clock::now() - start);
}

// Users, tokens of the kind that `GetParam()` names, and client certificates.
class EtcdUsers : public ::testing::TestWithParam<std::string> {
 protected:
  EtcdUsers() {
    certificates_.issue("server", "/O=cube");
    certificates_.issue("agent", "/O=cube");
    certificates_.issue("named", "/CN=agent");
    certificates_.make_key("token");
    etcd_ = std::make_unique<EtcdCluster>(1, options());
    write("password", "secret\n", 0600);
    config_ = plain(etcd_->urls());
    config_.allow_http = false;
    config_.ca_file = certificates_.file("ca.pem");
    config_.client_certificate = certificates_.file("agent.pem");
    config_.client_key = certificates_.file("agent.key");
  }
  [[nodiscard]] EtcdServer::Options options() const {
    EtcdServer::Options options;
    options.scheme = "https";
    options.more = {"--client-cert-auth", "--trusted-ca-file=" + certificates_.file("ca.pem"),
                    "--cert-file=" + certificates_.file("server.pem"),
                    "--key-file=" + certificates_.file("server.key")};
    if (GetParam() == "simple") options.more.push_back("--auth-token-ttl=2");
    if (GetParam() == "jwt")
      options.more.push_back("--auth-token=jwt,pub-key=" + certificates_.file("token.pub") +
                             ",priv-key=" + certificates_.file("token.key") +
                             ",sign-method=ES256,ttl=10m");
    return options;
  }
  void write(const std::string& name, const std::string& content, int mode) {
    const auto path = certificates_.file(name);
    std::ofstream(path) << content;
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(mode));
  }
  void admin(const std::string& path, const std::string& body) {
    auto gateway = EtcdGateway::open(config_).value();
    const auto answer = gateway.ask("/v3/auth/" + path, body, EtcdGateway::Effect::once);
    ASSERT_TRUE(answer) << path << ": " << answer.error().what;
  }
  // From now on etcd asks for a user.
  void ask_for_users() {
    admin("user/add", R"({"name":"root","password":"other"})");
    admin("role/add", R"({"name":"root"})");
    admin("user/grant", R"({"user":"root","role":"root"})");
    admin("user/add", R"({"name":"agent","password":"secret"})");
    admin("role/add", R"({"name":"machines"})");
    admin("role/grant", R"({"name":"machines","perm":{"permType":"READWRITE","key":")" +
                            base64("/cube-update/v1/c/") + R"(","range_end":")" +
                            base64("/cube-update/v1/c0") + R"("}})");
    admin("user/grant", R"({"user":"agent","role":"machines"})");
    admin("enable", "{}");
    config_.user = "agent";
    config_.password_file = certificates_.file("password");
  }
  void expect_refused(const EtcdConfig& config, Errc code, const std::string& why) {
    const auto reading = open(config).read(gate);
    ASSERT_FALSE(reading) << why;
    EXPECT_EQ(reading.error().code, code) << reading.error().what;
    EXPECT_NE(reading.error().what.find(why), std::string::npos) << reading.error().what;
  }

  TestCertificates certificates_;
  std::unique_ptr<EtcdCluster> etcd_;
  EtcdConfig config_;
};

TEST_P(EtcdUsers, ACertificateWithoutANameAndATokenDo) {
  ask_for_users();
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")))
      << store.commit(puts(gate + "a", "1")).error().what;
  EXPECT_EQ(store.read(gate)->entries.size(), 1U);
  const auto beyond = store.commit(puts("/cube-update/v1/other/gate/a", "1"));
  EXPECT_EQ(beyond.error().code, Errc::untrusted) << "the role covers this cluster only";
  EXPECT_NE(beyond.error().what.find("permission denied"), std::string::npos);
}

TEST_P(EtcdUsers, ThroughTheFetchServiceToo) {
  ask_for_users();
  const FetchServiceThread service;
  config_.through = service.socket();
  {
    auto store = open(config_);
    ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
    EXPECT_EQ(store.read(gate)->entries.size(), 1U);
  }
}

TEST_P(EtcdUsers, WithoutUsersACertificateIsEnough) {
  auto store = open(config_);
  EXPECT_TRUE(store.commit(puts(gate + "a", "1")));
  config_.client_certificate = certificates_.file("named.pem");
  config_.client_key = certificates_.file("named.key");
  EXPECT_TRUE(open(config_).read(gate)) << "a name matters only when users are asked for";
  config_.client_certificate.clear();
  config_.client_key.clear();
  EXPECT_EQ(open(config_).read(gate).error().code, Errc::unreachable);
}

TEST_P(EtcdUsers, EveryWrongWayIsNamed) {
  ask_for_users();
  auto named = config_;
  named.client_certificate = certificates_.file("named.pem");
  named.client_key = certificates_.file("named.key");
  expect_refused(named, Errc::untrusted, "common name (CN)");
  auto nobody = config_;
  nobody.user.clear();
  nobody.password_file.clear();
  expect_refused(nobody, Errc::untrusted, "user name is empty");
  write("wrong", "guess", 0600);
  auto wrong = config_;
  wrong.password_file = certificates_.file("wrong");
  expect_refused(wrong, Errc::untrusted, "authentication failed");
  write("open", "secret", 0644);
  wrong.password_file = certificates_.file("open");
  expect_refused(wrong, Errc::invalid, "others may read");
  wrong.password_file = certificates_.file("none");
  expect_refused(wrong, Errc::invalid, "none");
  auto other_ca = config_;
  other_ca.ca_file = certificates_.file("agent.pem");
  expect_refused(other_ca, Errc::untrusted, "");
}

TEST_P(EtcdUsers, ATokenThatNoLongerCountsIsRenewed) {
  ask_for_users();
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  if (GetParam() == "simple") {
    std::this_thread::sleep_for(seconds(5));  // it is counted from its last use
  } else {
    // Who may do what has changed: tokens that were made before do not count.
    write("other", "other", 0600);
    config_.user = "root";
    config_.password_file = certificates_.file("other");
    admin("user/add", R"({"name":"another","password":"x"})");
  }
  const auto committed = store.commit(puts(gate + "a", "2"));
  ASSERT_TRUE(committed) << committed.error().what;
  EXPECT_EQ(store.read(gate)->entries.at(0).value, "2");
}

TEST_P(EtcdUsers, ARestartDoesNotEndThem) {
  ask_for_users();
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  (*etcd_)[0].kill();
  (*etcd_)[0].start();
  ASSERT_TRUE(etcd_->wait_for_leader());
  const auto committed = store.commit(puts(gate + "a", "2"));
  ASSERT_TRUE(committed) << committed.error().what;
}

INSTANTIATE_TEST_SUITE_P(Tokens, EtcdUsers, ::testing::Values("simple", "jwt"),
                         [](const auto& one) { return one.param; });

TEST(EtcdFull, PutsSaySoAndErasingWorks) {
  EtcdServer::Options options;
  options.more = {"--quota-backend-bytes=2000000"};
  EtcdCluster etcd(1, options);
  auto store = open(plain(etcd.urls()));
  EXPECT_TRUE(alarms_of(store.gateway())->empty());
  auto filled = store.commit(puts(gate + "holder", "1"));
  for (int i = 0; filled && i < 100; ++i)
    filled = store.commit(puts(gate + std::to_string(i), std::string(max_value_bytes, 'x')));
  ASSERT_FALSE(filled);
  EXPECT_EQ(filled.error().code, Errc::no_space) << filled.error().what;
  EXPECT_EQ(store.commit(puts(gate + "small", "x")).error().code, Errc::no_space);
  EXPECT_TRUE(store.read(gate + "holder"));
  const auto erased = store.commit({{{Condition::Kind::created_at, gate + "holder", 2}},
                                    {{Change::Kind::erase, gate + "holder", ""}},
                                    gate + "holder"});
  ASSERT_TRUE(erased) << erased.error().what;
  EXPECT_TRUE(erased->done);
  EXPECT_TRUE(erased->reading.entries.empty());
  const auto alarms = alarms_of(store.gateway());
  ASSERT_TRUE(alarms) << alarms.error().what;
  ASSERT_EQ(alarms->size(), 1U);
  EXPECT_EQ(alarms->at(0).kind, "NOSPACE");
}

// A member of three; the store's first endpoint is the leader.
class EtcdMembers : public ::testing::Test {
 protected:
  EtcdMembers() {
    auto gateway = EtcdGateway::open(plain(etcd_.urls())).value();
    for (std::size_t i = 0; i < etcd_.size(); ++i) {
      const auto status = status_of(gateway, i).value();
      if (status.member == status.leader) leader_ = i;
    }
    config_ = plain({});
    for (std::size_t i = 0; i < etcd_.size(); ++i)
      config_.endpoints.push_back(etcd_[(leader_ + i) % etcd_.size()].url());
  }
  EtcdServer& leader() { return etcd_[leader_]; }
  EtcdServer& follower(std::size_t n) { return etcd_[(leader_ + n) % etcd_.size()]; }
  // Until a commit is answered: how long that took.
  static milliseconds commits_again(EtcdStore& store, const std::string& key) {
    const auto start = steady_clock::now();
    while (since(start) < seconds(25)) {
      const auto committed = store.commit(puts(key, "x"));
      if (committed) return since(start);
      EXPECT_EQ(committed.error().code, Errc::unreachable) << committed.error().what;
      std::this_thread::sleep_for(milliseconds(100));
    }
    ADD_FAILURE() << "not within 25 s";
    return since(start);
  }

  EtcdCluster etcd_{3};
  std::size_t leader_ = 0;
  EtcdConfig config_;
};

TEST_F(EtcdMembers, WhenTheLeaderDiesAnotherEndpointDoes) {
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  leader().kill();
  std::cout << "leader killed: a commit after " << commits_again(store, gate + "b").count()
            << " ms\n";
  EXPECT_EQ(store.read(gate)->entries.size(), 2U) << "nothing was lost";
}

TEST_F(EtcdMembers, AMinorityAnswersNobodyInBoundedTime) {
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  leader().kill();
  follower(1).kill();
  auto start = steady_clock::now();
  const auto reading = store.read(gate);
  ASSERT_FALSE(reading) << "it is not known whether that is the newest";
  EXPECT_EQ(reading.error().code, Errc::unreachable) << reading.error().what;
  std::cout << "minority: no reading after " << since(start).count() << " ms, ";
  EXPECT_LT(since(start), seconds(21));
  start = steady_clock::now();
  EXPECT_EQ(store.commit(puts(gate + "b", "1")).error().code, Errc::unreachable);
  std::cout << "no commit after " << since(start).count() << " ms\n";
  EXPECT_LT(since(start), seconds(21));
  follower(1).start();
  commits_again(store, gate + "c");
}

TEST_F(EtcdMembers, AFrozenMemberIsLeftAndNothingIsAskedTwice) {
  config_.request_timeout = milliseconds(1500);
  auto store = open(config_);
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  leader().freeze();
  const auto start = steady_clock::now();
  const auto committed = store.commit(puts(gate + "b", "1"));
  ASSERT_FALSE(committed) << "the leader may have done it";
  EXPECT_EQ(committed.error().code, Errc::unreachable);
  EXPECT_NE(committed.error().what.find("may have been done"), std::string::npos);
  EXPECT_LT(since(start), seconds(4));
  commits_again(store, gate + "c");
  EXPECT_TRUE(store.read(gate));
  leader().thaw();
}

TEST_F(EtcdMembers, ToldForAReport) {
  auto gateway = EtcdGateway::open(config_).value();
  const auto members = members_of(gateway);
  ASSERT_TRUE(members) << members.error().what;
  ASSERT_EQ(members->size(), 3U);
  EXPECT_EQ(members->at(0).name.substr(0, 1), "m");
  EXPECT_EQ(members->at(0).client_urls.size(), 1U);
  const auto status = status_of(gateway, 1);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(status->version.substr(0, 2), "3.");
  EXPECT_NE(status->leader, 0U);
  EXPECT_GT(status->database_bytes, 0U);
  follower(1).kill();
  EXPECT_EQ(status_of(gateway, 1).error().code, Errc::unreachable);
  EXPECT_EQ(status_of(gateway, 7).error().code, Errc::invalid);
}

TEST(EtcdData, WipedIsSeenByTheRevision) {
  EtcdCluster etcd(1);
  auto store = open(plain(etcd.urls()));
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  const auto before = store.read(gate).value();
  etcd[0].wipe();
  etcd[0].start();
  ASSERT_TRUE(etcd.wait_for_leader());
  const auto after = store.read(gate).value();
  EXPECT_LT(after.revision, before.revision);
  // etcd makes the id of its first members' names and addresses: the same ones give the same.
  EXPECT_EQ(after.cluster, before.cluster);
}

TEST(EtcdForeignKeys, BesideThePrefixDoNoHarmAndBelowItAreTooMany) {
  EtcdServer::Options options;
  options.more = {"--max-txn-ops=5000"};
  EtcdCluster etcd(1, options);
  auto store = open(plain(etcd.urls()));
  const std::string crowd = "/cube-update/v1/c/crowd/";
  for (int i = 0; i < 100'000; i += 5000) {
    Transaction some;
    for (int k = i; k < i + 5000; ++k)
      some.changes.push_back({Change::Kind::put, crowd + std::to_string(k), "x"});
    ASSERT_TRUE(
        store.gateway().ask("/v3/kv/txn", transaction_request(some), EtcdGateway::Effect::once));
  }
  ASSERT_TRUE(store.commit(puts(gate + "a", "1")));
  auto start = steady_clock::now();
  EXPECT_EQ(store.read(gate)->entries.size(), 1U);
  std::cout << "beside 100,000 keys: a reading in " << since(start).count() << " ms, ";
  start = steady_clock::now();
  const auto below = store.read(crowd);
  std::cout << "of them: refused in " << since(start).count() << " ms\n";
  ASSERT_FALSE(below);
  EXPECT_EQ(below.error().code, Errc::corrupt);
  EXPECT_NE(below.error().what.find("more than 4096 keys"), std::string::npos)
      << below.error().what;
  EXPECT_LT(since(start), seconds(5));
  EXPECT_TRUE(store.commit(erases(gate + "a")));
}

}  // namespace
}  // namespace cube::fleet
