// Releases that others offer in the name of the targets role, seen through ReleaseChannel.
#include <gtest/gtest.h>

#include "base/digest.h"
#include "keys/delegation_walk.h"
#include "keys/metadata.h"
#include "model/manifest.h"
#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class KeysDelegation : public ApplianceAndRepository {
 protected:
  static constexpr const char* theirs = "CUBE_2.3.0_20220501-0000_bbbb2222";
  static constexpr const char* alien = "EDGE_1.0.0_20220501-0000_cccc3333";

  KeysDelegation() {
    signer_.delegate("vendor", {"releases/CUBE_*/*"});
    signer_.add_release(theirs, manifest_of(theirs), "vendor");
    signer_.add_release(alien, manifest_of(alien), "vendor");
    signer_.publish_again();
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> texts;
    auto channel = open();
    const auto found = channel->names();
    EXPECT_TRUE(found) << found.error().what;
    if (found)
      for (const auto& name : *found) texts.push_back(name.text);
    return texts;
  }
};

TEST_F(KeysDelegation, OnlyWhatIsDelegatedIsOffered) {
  EXPECT_EQ(names(), (std::vector<std::string>{older, newer, theirs}));
  const auto release = ask(theirs);
  ASSERT_TRUE(release) << release.error().what;
  EXPECT_EQ(release->get().name.text, theirs);
  EXPECT_EQ(ask(alien).error().code, Errc::not_found);
}

TEST_F(KeysDelegation, TheTargetsRoleHasTheFirstWord) {
  signer_.role("vendor").edit = [](Json::Object& body) {
    auto files = body["targets"].object().value();
    files[target_of_release(newer)] = files[target_of_release(theirs)];
    body["targets"] = files;
  };
  signer_.publish_again();
  EXPECT_TRUE(ask(newer));
  EXPECT_EQ(names().size(), 3u);
}

TEST_F(KeysDelegation, ASisterMayOfferWhatTheFirstMayNot) {
  signer_.delegate("second", {"releases/EDGE_*/*"});
  signer_.publish_again();
  EXPECT_EQ(ask(alien).error().code, Errc::not_found) << "second does not know it";
  signer_.add_release(alien, manifest_of(alien), "second");
  signer_.publish_again();
  EXPECT_TRUE(ask(alien));
  EXPECT_EQ(names().size(), 4u);
}

TEST_F(KeysDelegation, ABadDelegateIsAnErrorAndNoShorterList) {
  signer_.role("vendor").signers = {SigningKey("stranger")};
  signer_.publish_again();
  EXPECT_EQ(open()->names().error().code, Errc::untrusted);
  EXPECT_EQ(ask(theirs).error().code, Errc::untrusted);
  EXPECT_TRUE(ask(newer)) << "the targets role itself is not touched by it";
  signer_.role("vendor").signers.clear();
  signer_.role("vendor").expires = "2020-01-01T00:00:00Z";
  signer_.publish_again();
  EXPECT_NE(open()->names().error().what.find("vendor.json: expired"), std::string::npos);
}

TEST_F(KeysDelegation, OneKeyUnderTwoIdsCountsOnce) {
  auto& vendor = signer_.role("vendor");
  vendor.keys = {SigningKey("vendor"), SigningKey("vendor", "again"), SigningKey("second")};
  vendor.threshold = 2;
  vendor.signers = {SigningKey("vendor"), SigningKey("vendor", "again")};
  signer_.publish_again();
  const auto release = ask(theirs);
  ASSERT_FALSE(release);
  EXPECT_EQ(release.error().code, Errc::untrusted);
  EXPECT_NE(release.error().what.find("vendor.json: signed by 1 of the 2"), std::string::npos);
  vendor.signers = {SigningKey("vendor"), SigningKey("second")};
  signer_.publish_again();
  EXPECT_TRUE(ask(theirs));
}

TEST_F(KeysDelegation, TheDocumentIsKeptOnlyWhenItWasVerified) {
  signer_.role("vendor").signers = {SigningKey("stranger")};
  signer_.publish_again();
  EXPECT_FALSE(ask(theirs));
  EXPECT_FALSE(std::filesystem::exists(state("vendor")));
  signer_.role("vendor").signers.clear();
  signer_.publish_again();
  EXPECT_TRUE(ask(theirs));
  EXPECT_EQ(read(state("vendor")), read(metadata("4.vendor.json")));
}

TEST_F(KeysDelegation, WhatIsKeptIsVerifiedByTheKeysOfNow) {
  EXPECT_TRUE(ask(theirs));
  signer_.role("vendor").signers = {SigningKey("vendor")};
  signer_.role("vendor").keys = {SigningKey("vendor two")};
  for (const auto* role : {"timestamp", "snapshot", "targets"}) ++signer_.role(role).version;
  signer_.publish();  // the vendor's document is the one that is kept, byte for byte
  ASSERT_EQ(read(state("vendor")), read(metadata("2.vendor.json")));
  EXPECT_EQ(ask(theirs).error().code, Errc::untrusted);
}

TEST_F(KeysDelegation, TheSnapshotMustKnowTheRole) {
  EXPECT_TRUE(ask(theirs));
  signer_.role("snapshot").edit = [](Json::Object& body) {
    auto meta = body["meta"].object().value();
    meta.erase("vendor.json");
    body["meta"] = meta;
  };
  signer_.publish_again();
  expect_refused(Errc::untrusted, "no longer lists role vendor");
  std::filesystem::remove_all(appliance_.path() + "/var");
  EXPECT_NE(ask(theirs).error().what.find("no word of the delegated role vendor"),
            std::string::npos);
}

TEST(DelegationWalk, TheWorkOfPatternsIsBounded) {
  const auto search = [](std::size_t names) {
    auto top = std::make_shared<Targets>();
    auto vendor = std::make_shared<Targets>();
    DelegatedRole role;
    role.name = "vendor";
    role.paths = std::vector<std::string>(256, std::string(1024, 'x'));
    role.paths.back() = "releases/x/manifest.json";
    top->delegated = {role};
    for (std::size_t i = 0; i < names; ++i)
      vendor->releases[std::string(100, 'a') + std::to_string(i)].length = 1;
    return find_releases(top, [&](const auto&, const auto&, const auto&) {
      return Result<std::shared_ptr<const Targets>>(vendor);
    });
  };
  EXPECT_TRUE(search(30));
  const auto refused = search(40);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::corrupt);
  EXPECT_EQ(refused.error().what, "targets: too many long patterns for so many targets");
}

// Whatever is cut off, wherever: an error, nothing kept, no crash.
TEST_F(KeysDelegation, EveryTruncationOfEveryDocument) {
  signer_.role("root").version = 2;
  signer_.publish();
  std::vector<std::string> paths{repository_.path() + "/targets/releases/" + theirs + "/" +
                                 to_hex(sha256(manifest_of(theirs))) + ".manifest.json"};
  for (const auto* name :
       {"2.root.json", "timestamp.json", "2.snapshot.json", "2.targets.json", "2.vendor.json"})
    paths.push_back(metadata(name));
  for (const auto& path : paths) {
    const auto good = read(path);
    ASSERT_GT(good.size(), 100u) << path;
    std::filesystem::remove_all(appliance_.path() + "/var");
    for (std::size_t size = 0; size + 1 < good.size(); ++size) {
      write(path, good.substr(0, size));
      const auto release = ask(theirs);
      ASSERT_FALSE(release) << path << " cut at " << size;
      ASSERT_EQ(release.error().code, Errc::untrusted) << release.error().what;
    }
    write(path, good);
  }
  EXPECT_TRUE(ask(theirs));
}

TEST_F(KeysDelegation, EveryTruncationIsSeenByTheParserAlone) {
  signer_.publish();
  const auto every = [](const std::string& good, const auto& parse) {
    EXPECT_TRUE(parse(good));
    for (std::size_t size = 0; size + 1 < good.size(); ++size) {
      const auto parsed = parse(good.substr(0, size));
      ASSERT_FALSE(parsed) << size;
      ASSERT_EQ(parsed.error().code, Errc::corrupt);
    }
  };
  every(read(metadata("1.root.json")), parse_root);
  every(read(metadata("timestamp.json")), parse_timestamp);
  every(read(metadata("2.snapshot.json")), parse_snapshot);
  for (const std::string role : {"targets", "vendor"})
    every(read(metadata("2." + role + ".json")),
          [&](const auto& text) { return parse_targets(text, role); });
  every(manifest_of(newer), parse_manifest);
}

}  // namespace
}  // namespace cube
