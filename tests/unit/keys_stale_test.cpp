// An operator may believe what has expired, and nothing else that is wrong; and one document may be
// looked at by itself.
#include <gtest/gtest.h>

#include "keys/lone_document.h"
#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class Stale : public ApplianceAndRepository {
 protected:
  [[nodiscard]] Result<ReleaseChannel> open_anyway() const {
    auto anyway = config();
    anyway.accept_stale = true;
    return ReleaseChannel::open(root_, clock_, anyway);
  }
  void expect_accepted_anyway(const std::vector<std::string>& documents) const {
    auto channel = open_anyway();
    ASSERT_TRUE(channel);
    const auto release = channel->release(newer);
    ASSERT_TRUE(release) << release.error().what;
    ASSERT_EQ(channel->stale().size(), documents.size());
    for (std::size_t i = 0; i < documents.size(); ++i)
      EXPECT_EQ(channel->stale()[i].find(documents[i] + ": expired at"), 0u) << channel->stale()[i];
  }
  void expect_refused_anyway(const std::string& because) const {
    const auto before = persisted();
    auto channel = open_anyway();
    const auto status = channel ? channel->refresh() : Status(channel.error());
    ASSERT_FALSE(status) << because;
    EXPECT_EQ(status.error().code, Errc::untrusted) << status.error().what;
    EXPECT_NE(status.error().what.find(because), std::string::npos) << status.error().what;
    EXPECT_EQ(persisted(), before);
  }
};

TEST_F(Stale, OneExpiredDocumentOrAllOfThem) {
  expect_accepted_anyway({});
  const std::vector<std::string> roles = {"timestamp", "snapshot", "targets"};
  for (const auto& role : roles) {
    signer_.role(role).expires = "2026-07-01T00:00:00Z";
    signer_.publish_again();
    expect_accepted_anyway({role + ".json"});
    expect_refused(Errc::untrusted, role + ".json: expired");
    signer_.role(role).expires = "2030-01-01T00:00:00Z";
  }
  signer_.publish_again();
  clock_.set("2031-01-01T00:00:00Z");
  expect_accepted_anyway({"root.json", "timestamp.json", "snapshot.json", "targets.json"});
}

TEST_F(Stale, ATimeAfterAnExpiryIsNotRemembered) {
  clock_.set("2031-01-01T00:00:00Z");
  expect_accepted_anyway({"root.json", "timestamp.json", "snapshot.json", "targets.json"});
  clock_.set("2026-08-01T00:00:00Z");
  expect_accepted();
}

TEST_F(Stale, AnExpiredDelegatedRole) {
  const std::string of_partner = "CUBE_2.2.5_20220501-1200_bbbb2222";
  signer_.delegate("partner", {"releases/CUBE_2.2.5*/manifest.json"});
  signer_.add_release(of_partner, manifest_of(of_partner), "partner");
  signer_.role("partner").expires = "2026-07-01T00:00:00Z";
  signer_.publish_again();
  EXPECT_FALSE(ask(of_partner));
  auto channel = open_anyway();
  ASSERT_TRUE(channel);
  EXPECT_TRUE(channel->release(of_partner));
  ASSERT_EQ(channel->stale().size(), 1u);
  EXPECT_EQ(channel->stale()[0].find("partner.json: expired"), 0u);
  const auto signings = channel->signings();
  ASSERT_TRUE(signings);
  EXPECT_EQ(signings->back().role, "partner");
}

TEST_F(Stale, NothingElseThatIsWrongIsAccepted) {
  signer_.publish_again();
  expect_accepted();
  for (auto* role : {"timestamp", "snapshot", "targets"}) {
    signer_.role(role).expires = "2026-07-01T00:00:00Z";
    signer_.role(role).signers = {SigningKey("thief")};
    signer_.publish_again();
    expect_refused_anyway("signed by 0 of the 1");
    signer_.role(role).signers.clear();
  }
  for (auto* role : {"timestamp", "snapshot", "targets"}) signer_.role(role).version = 1;
  signer_.publish();
  expect_refused_anyway("version 1 is offered");
}

TEST_F(Stale, ABrokenChainOfRootsIsNotAccepted) {
  auto& root = signer_.role("root");
  root.version = 2;
  root.keys = {SigningKey("other")};
  root.expires = "2026-07-01T00:00:00Z";
  root.signers = {SigningKey("other")};  // not by the root before
  signer_.publish();
  expect_refused_anyway("2.root.json: signed by 0 of the 1");
  root.signers = {SigningKey("root"), SigningKey("other")};
  signer_.publish();
  expect_accepted_anyway({"root.json"});
}

TEST_F(Stale, WhoSignedAndUntilWhen) {
  auto& targets = signer_.role("targets");
  targets.keys = {SigningKey("one"), SigningKey("two"), SigningKey("three")};
  targets.threshold = 2;
  targets.signers = {SigningKey("one"), SigningKey("three")};
  signer_.role("root").version = 2;
  signer_.publish_again();
  auto channel = open();
  ASSERT_TRUE(channel);
  const auto signings = channel->signings();
  ASSERT_TRUE(signings) << signings.error().what;
  ASSERT_EQ(signings->size(), 4u);
  const auto& last = signings->back();
  EXPECT_EQ(last.role, "targets");
  EXPECT_EQ(last.version, 2u);
  EXPECT_EQ(format_utc(last.expires), "2030-01-01T00:00:00Z");
  EXPECT_EQ(last.threshold, 2u);
  EXPECT_EQ(last.signed_by,
            (std::vector<std::string>{SigningKey("one").id(), SigningKey("three").id()}));
  EXPECT_EQ(signings->front().role, "root");
  EXPECT_EQ(signings->front().version, 2u);
}

TEST_F(Stale, WhoOnlyLooksLeavesNoTrace) {
  auto looking = config();
  looking.remember = false;
  auto channel = ReleaseChannel::open(root_, clock_, looking);
  ASSERT_TRUE(channel);
  EXPECT_TRUE(channel->release(newer));
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(state("root")).parent_path()));
}

// --- One document by itself ----------------------------------------------------------------------

class Alone : public ApplianceAndRepository {
 protected:
  [[nodiscard]] Result<LoneDocument> look(const std::string& text, bool accept_stale = false) {
    const auto trusted = parse_root(read(baked()));
    return inspect_document(text, *trusted, Freshness(clock_.now(), accept_stale));
  }
  void expect_doubt(const std::string& file, const std::string& because) {
    const auto document = look(read(metadata(file)));
    ASSERT_TRUE(document) << document.error().what;
    EXPECT_NE(document->doubt.find(because), std::string::npos) << document->doubt;
    EXPECT_FALSE(document->doubt.empty());
  }
};

TEST_F(Alone, EveryDocumentOfAGoodRepository) {
  for (const std::string file :
       {"1.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"}) {
    const auto document = look(read(metadata(file)));
    ASSERT_TRUE(document) << document.error().what;
    EXPECT_EQ(document->doubt, "") << file;
    EXPECT_NE(file.find(document->signing.role), std::string::npos) << file;
    EXPECT_EQ(document->signing.signed_by,
              std::vector<std::string>{SigningKey(document->signing.role).id()});
  }
}

TEST_F(Alone, SignedByTheWrongKeysOrExpired) {
  for (const std::string role : {"timestamp", "snapshot", "targets"}) {
    signer_.role(role).signers = {SigningKey("snapshot"), SigningKey("timestamp")};
    if (role != "targets") signer_.role(role).signers = {SigningKey("targets")};
    signer_.publish();
    expect_doubt(role == "timestamp" ? "timestamp.json" : "1." + role + ".json",
                 "signed by 0 of the 1");
    signer_.role(role).signers.clear();
  }
  signer_.publish();
  clock_.set("2031-01-01T00:00:00Z");
  expect_doubt("1.root.json", "root.json: expired");
  expect_doubt("timestamp.json", "timestamp.json: expired");
  EXPECT_EQ(look(read(metadata("timestamp.json")), true)->doubt, "");
}

TEST_F(Alone, RootsThatFollowAndThoseThatDoNot) {
  auto& root = signer_.role("root");
  root.version = 2;
  root.keys = {SigningKey("next")};
  root.signers = {SigningKey("root"), SigningKey("next")};
  signer_.publish();
  EXPECT_EQ(look(read(metadata("2.root.json")))->doubt, "");
  root.signers = {SigningKey("next")};
  signer_.publish();
  expect_doubt("2.root.json", "version 2, judged by trusted version 1: signed by 0 of the 1");
  root.signers = {SigningKey("root")};
  signer_.publish();
  expect_doubt("2.root.json", "signed by 0 of the 1");
  root.keys = {SigningKey("root")};
  root.version = 1;
  root.expires = "2029-01-01T00:00:00Z";
  signer_.publish();
  expect_doubt("1.root.json", "version 1 is not newer than trusted version 1");
}

TEST_F(Alone, WhatIsNoMetadata) {
  const auto good = read(metadata("timestamp.json"));
  for (const auto& text :
       {std::string(), std::string("{}"), std::string(R"({"signed":{},"signatures":[]})"),
        std::string(R"({"signed":{"_type":"mirrors"},"signatures":[]})"),
        good.substr(0, good.size() - 3), good + "x"}) {
    const auto document = look(text);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code, Errc::untrusted) << document.error().what;
  }
}

}  // namespace
}  // namespace cube
