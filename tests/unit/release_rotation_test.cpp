// Keys that are replaced and taken away, and what becomes of what they signed.
#include <filesystem>

#include "release/key_rotation.h"
#include "release/signed_metadata.h"
#include "tests/support/publisher_fixture.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class ReleaseRotationTest : public ReleaseTest {
 protected:
  static Root root_of(const Publisher& publisher) {
    return publisher.repository().roots().value().back();
  }
  static KeyFolder keys_of(const Publisher& publisher) {
    return KeyFolder::open(publisher.keys_path()).value();
  }
  static Result<Publication> change_root(const Publisher& publisher, const RootChange& change) {
    CUBE_TRY(const auto draft, publisher.draft_root(change, clock_2026.now()));
    return publisher.publish_root(draft, clock_2026.now());
  }
  static Result<Publication> revoke(const Publisher& publisher, const std::string& key) {
    CUBE_TRY(const auto change, revocation_of(root_of(publisher), key, keys_of(publisher)));
    return change_root(publisher, change);
  }
};

TEST_F(ReleaseRotationTest, TheNewKeyIsNamedAfterTheOld) {
  const auto publisher = init();
  const auto keys = keys_of(publisher);
  const auto rotate = [&](const std::string& role, const Rotation& wished) {
    return rotation_of(root_of(publisher), role, wished, keys);
  };
  EXPECT_EQ(rotate("targets", {})->new_key, "targets-2");
  EXPECT_EQ(rotate("targets", {})->old_key, "targets");
  EXPECT_EQ(rotate("root", {"root-2", ""})->new_key, "root-4");
  EXPECT_EQ(rotate("root", {"root-2", "mine"})->new_key, "mine");
  EXPECT_EQ(rotate("root", {}).error().code, Errc::invalid) << "which of three";
  EXPECT_EQ(rotate("root", {"targets", ""}).error().code, Errc::invalid);
  EXPECT_EQ(rotate("root", {"root-1", "root-2"}).error().code, Errc::invalid);
  EXPECT_EQ(rotate("mirrors", {}).error().code, Errc::invalid);
  EXPECT_EQ(rotate("root", {"nothing", ""}).error().code, Errc::not_found);
  const auto id = keys.find("targets")->id;
  fs::remove(keys.path() + "/targets.pem");
  fs::remove(keys.path() + "/targets.pub.json");
  EXPECT_EQ(rotate("targets", {})->old_key, id) << "whose name was lost";
  EXPECT_EQ(rotate("targets", {})->new_key, "targets-2");
}

TEST_F(ReleaseRotationTest, ARevokedKeyIsInNoRole) {
  const auto publisher = init();
  const auto keys = keys_of(publisher);
  // root-3 signs targets, too, and is listed there under a second id.
  auto spelled = keys.find("root-3")->public_json.object().value();
  spelled["x-note"] = "the same key";
  put(keys.path() + "/again.pub.json", Json(spelled).pretty());
  RootChange change;
  change.add = {{"targets", "root-3"}, {"targets", "again"}};
  ASSERT_TRUE(change_root(publisher, change));
  ASSERT_EQ(root_of(publisher).roles.at("targets").key_ids.size(), 3U);
  const auto done = revoke(publisher, "root-3");
  ASSERT_TRUE(done) << done.error().what;
  const auto root = root_of(publisher);
  EXPECT_EQ(root.roles.at("targets").key_ids, std::vector<std::string>{keys.find("targets")->id});
  EXPECT_EQ(root.roles.at("root").key_ids.size(), 2U);
  EXPECT_EQ(root.keys.count(keys.find("root-3")->id), 0U);
  EXPECT_EQ(revoke(publisher, "root-3").error().code, Errc::nothing_to_do);
  EXPECT_EQ(revoke(publisher, "nothing").error().code, Errc::not_found);
}

TEST_F(ReleaseRotationTest, ARoleKeepsItsThreshold) {
  const auto publisher = init();
  ASSERT_TRUE(revoke(publisher, keys_of(publisher).find("root-2")->id)) << "by its id";
  const auto refused = revoke(publisher, "root-1").error();
  EXPECT_EQ(refused.code, Errc::refused);
  EXPECT_NE(refused.what.find("cube-release key rotate root --replace root-1"), std::string::npos);
  EXPECT_EQ(revoke(publisher, "targets").error().code, Errc::refused);
  EXPECT_EQ(root_of(publisher).version, 2U);
}

TEST_F(ReleaseRotationTest, WhatOnlyTheRevokedKeySignedMustBeSignedAnew) {
  const auto publisher = init();
  const auto keys = keys_of(publisher);
  const auto second = keys.generate("targets-2").value();
  RootChange both;
  both.add = {{"targets", "targets-2"}};
  ASSERT_TRUE(change_root(publisher, both));
  const std::string there = keys.path() + "/targets-2.pem", away = scratch_.path() + "/away.pem";
  fs::rename(there, away);
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  EXPECT_EQ(revoke(publisher, "targets").error().code, Errc::untrusted)
      << "nobody could sign the list anew";
  EXPECT_EQ(root_of(publisher).version, 2U);
  EXPECT_EQ(verify()->size(), 1U);
  fs::rename(away, there);
  ASSERT_TRUE(revoke(publisher, "targets"));
  const auto state = publisher.repository().published()->value();
  ASSERT_EQ(state.targets.signatures.size(), 1U);
  EXPECT_EQ(state.targets.signatures.front().key_id, second.id);
  EXPECT_EQ(verify()->size(), 1U);
}

}  // namespace
}  // namespace cube
