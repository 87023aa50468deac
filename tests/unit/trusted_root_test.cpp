// Where all trust comes from, and how it is handed on from root to root.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/digest.h"
#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class TrustedRoot : public ApplianceAndRepository {
 protected:
  void expect_untrusted(const std::string& because) const {
    const auto channel = open();
    ASSERT_FALSE(channel) << because;
    EXPECT_EQ(channel.error().code, Errc::untrusted) << channel.error().what;
    EXPECT_NE(channel.error().what.find(because), std::string::npos) << channel.error().what;
  }
  // Version up, signed by the keys before and after.
  void rotate_root(const std::string& to) {
    auto& root = signer_.role("root");
    const auto before = root.keys;
    root.keys = {SigningKey(to)};
    root.signers = before;
    root.signers.emplace_back(to);
    ++root.version;
    signer_.publish();
  }
};

TEST_F(TrustedRoot, WithoutOneNothingIsBelieved) {
  const auto good = read(baked());
  std::filesystem::remove(baked());
  expect_untrusted("No such file");
  write(baked(), "");
  expect_untrusted("byte 0");
  write(baked(), "{}");
  expect_untrusted("signatures");
  write(baked(), good.substr(0, good.size() / 2));
  expect_untrusted("root.json");
  write(baked(), std::string(70000, ' ') + good);
  expect_untrusted("larger than");
  write(baked(), good);
  expect_accepted();
}

TEST_F(TrustedRoot, MustBeAFileOfItsOwn) {
  const auto elsewhere = appliance_.path() + "/elsewhere.json";
  std::filesystem::rename(baked(), elsewhere);
  std::filesystem::create_symlink("/elsewhere.json", baked());
  expect_untrusted("root.json");
  std::filesystem::remove(baked());
  std::filesystem::create_directory(baked());
  expect_untrusted("not a regular file");
  std::filesystem::remove(baked());
  ASSERT_EQ(::mkfifo(baked().c_str(), 0600), 0);
  expect_untrusted("not a regular file");
}

TEST_F(TrustedRoot, MustNotBeWritableByEverybodyNorItsFolder) {
  const auto folder = std::filesystem::path(baked()).parent_path().string();
  ASSERT_EQ(::chmod(baked().c_str(), 0646), 0);
  expect_untrusted("writable by group or others");
  ASSERT_EQ(::chmod(baked().c_str(), 0644), 0);
  ASSERT_EQ(::chmod(folder.c_str(), 01777), 0);
  expect_untrusted("its folder: writable");
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  expect_accepted();
}

TEST_F(TrustedRoot, MustBelongToRootAlone) {
  if (::geteuid() != 0) GTEST_SKIP() << "the owner counts only for a root process";
  for (const mode_t mode : {0666u, 0664u, 0646u}) {
    ASSERT_EQ(::chmod(baked().c_str(), mode), 0);
    expect_untrusted("writable by group or others");
  }
  ASSERT_EQ(::chmod(baked().c_str(), 0644), 0);
  ASSERT_EQ(::chown(baked().c_str(), 1234, 0), 0);
  expect_untrusted("not owned by root");
  ASSERT_EQ(::chown(baked().c_str(), 0, 0), 0);
  const auto folder = std::filesystem::path(baked()).parent_path().string();
  ASSERT_EQ(::chmod(folder.c_str(), 0775), 0);
  expect_untrusted("its folder: writable");
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  ASSERT_EQ(::chown(folder.c_str(), 1234, 0), 0);
  expect_untrusted("its folder: not owned");
  ASSERT_EQ(::chown(folder.c_str(), 0, 0), 0);
  expect_accepted();
}

TEST_F(TrustedRoot, MustBeReadable) {
  std::filesystem::permissions(appliance_.path(), std::filesystem::perms(0755));
  std::filesystem::permissions(baked(), std::filesystem::perms::none);
  const uid_t user = ::geteuid();
  constexpr uid_t nobody = 65534;  // whom root can be for a while; for others mode 000 is enough
  ASSERT_EQ(::seteuid(user == 0 ? nobody : user), 0);
  expect_untrusted("Permission denied");
  ASSERT_EQ(::seteuid(user), 0);
  std::filesystem::permissions(baked(), std::filesystem::perms(0644));
  expect_accepted();
}

TEST_F(TrustedRoot, MustCarryItsOwnSignatures) {
  signer_.role("root").signers = {SigningKey("targets")};
  signer_.bake_root(appliance_.path());
  expect_untrusted("signed by 0 of the 1");
}

TEST_F(TrustedRoot, OneKeyUnderTwoIdsCountsOnce) {
  auto& root = signer_.role("root");
  root.keys = {SigningKey("root"), SigningKey("root", "again"), SigningKey("second")};
  root.threshold = 2;
  root.signers = {SigningKey("root"), SigningKey("root", "again")};
  signer_.bake_root(appliance_.path());
  expect_untrusted("signed by 1 of the 2");
  root.version = 2;  // as the next root
  signer_.publish();
  root.version = 1;
  root.signers = {SigningKey("root"), SigningKey("second")};
  signer_.bake_root(appliance_.path());
  expect_refused(Errc::untrusted, "2.root.json: signed by 1 of the 2");
  root.version = 2;
  signer_.publish();
  expect_accepted();
}

TEST_F(TrustedRoot, BadRootsAreRefused) {
  const auto baked_with = [&](const std::function<void(Json::Object&)>& edit) {
    signer_.role("root").edit = edit;
    signer_.bake_root(appliance_.path());
  };
  baked_with([](auto& body) { body["consistent_snapshot"] = "yes"; });
  expect_untrusted("expected true or false");
  for (const auto size : {0u, 257u}) {
    baked_with([=](auto& body) {
      auto keys = body["keys"].object().value();
      keys[std::string(size, 'a')] = SigningKey("other").object();
      body["keys"] = keys;
    });
    expect_untrusted("a key id has no byte, or more than 256");
  }
  baked_with([](auto& body) {
    auto keys = body["keys"].object().value();
    for (int i = 0; i < 64; ++i) {
      const SigningKey key("number " + std::to_string(i));
      keys[key.id()] = key.object();
    }
    body["keys"] = keys;
  });
  expect_untrusted("more than 64 keys");
  const auto role = [](const Json& threshold, const Json::Array& ids) {
    return [=](Json::Object& body) {
      auto roles = body["roles"].object().value();
      roles["targets"] = Json::Object{{"threshold", threshold}, {"keyids", ids}};
      body["roles"] = roles;
    };
  };
  const auto id = SigningKey("targets").id();
  baked_with(role(0, {id}));
  expect_untrusted("threshold");
  baked_with(role(-1, {id}));
  expect_untrusted("threshold");
  baked_with(role(1, {std::string(64, 'b')}));
  expect_untrusted("without a key");
  baked_with(role(2, {id, id}));
  expect_untrusted("listed twice");
  baked_with([](auto& body) {
    auto roles = body["roles"].object().value();
    roles.erase("snapshot");
    body["roles"] = roles;
  });
  expect_untrusted("snapshot");
}

TEST_F(TrustedRoot, IsFollowedStepByStep) {
  rotate_root("root two");
  rotate_root("root three");
  expect_accepted();
  EXPECT_EQ(read(state("root")), read(metadata("3.root.json")));
  std::filesystem::remove(metadata("2.root.json"));
  expect_refused(Errc::untrusted, "root.json: version 1 is offered");
}

TEST_F(TrustedRoot, AGapHidesWhatComesAfter) {
  rotate_root("root two");
  rotate_root("root three");
  std::filesystem::rename(metadata("2.root.json"), metadata("kept"));
  expect_accepted();  // by the first root, which is still good
  EXPECT_EQ(read(state("root")), read(baked()));
  write(metadata("2.root.json"), read(metadata("3.root.json")));
  expect_refused(Errc::untrusted, "2.root.json");
  std::filesystem::rename(metadata("kept"), metadata("2.root.json"));
  expect_accepted();
}

TEST_F(TrustedRoot, BothThresholdsCount) {
  expect_accepted();
  auto& root = signer_.role("root");
  root.version = 2;
  root.keys = {SigningKey("root"), SigningKey("second")};
  root.threshold = 2;
  for (const auto& signers : {std::vector{SigningKey("root")}, std::vector{SigningKey("second")},
                              std::vector{SigningKey("stranger")}}) {
    root.signers = signers;
    signer_.publish();
    expect_refused(Errc::untrusted, "2.root.json: signed by");
  }
  root.signers = {};
  signer_.publish();
  expect_accepted();
}

TEST_F(TrustedRoot, ATakeoverByKeysThatTheOldRootDoesNotKnowIsRefused) {
  expect_accepted();
  auto& root = signer_.role("root");
  root.version = 2;
  root.keys = {SigningKey("thief")};  // and so the only signer
  for (const auto* role : {"timestamp", "snapshot", "targets"})
    signer_.role(role).keys = {SigningKey("thief")};
  signer_.publish_again();
  expect_refused(Errc::untrusted, "2.root.json: signed by 0 of the 1");
  // Nor with the keys of other roles.
  root.signers = {SigningKey("thief"), SigningKey("targets"), SigningKey("timestamp")};
  signer_.publish_again();
  expect_refused(Errc::untrusted, "2.root.json: signed by 0 of the 1");
  std::filesystem::remove(metadata("2.root.json"));
  expect_refused(Errc::untrusted, "timestamp.json: signed by 0 of the 1");
}

TEST_F(TrustedRoot, VersionInsideMustBeTheOneInTheName) {
  signer_.role("root").version = 3;
  write(metadata("2.root.json"), signer_.root_text());
  expect_refused(Errc::untrusted, "is version 3, not 2");
}

TEST_F(TrustedRoot, AnExpiredOneIsGoodOnlyAsABeginning) {
  signer_.role("root").expires = "2020-01-01T00:00:00Z";
  signer_.bake_root(appliance_.path());
  signer_.publish();
  expect_refused(Errc::untrusted, "root.json: expired");
  signer_.role("root").expires = "2030-01-01T00:00:00Z";
  rotate_root("root two");
  expect_accepted();
}

TEST_F(TrustedRoot, TheChainIsBounded) {
  for (int i = 0; i < 32; ++i) rotate_root("root " + std::to_string(i));
  expect_accepted();
  std::filesystem::remove_all(appliance_.path() + "/var");
  rotate_root("one too many");
  expect_refused(Errc::untrusted, "more than 32");
}

// A power cut while the state is written leaves any mixture of the files before and after.
TEST_F(TrustedRoot, EveryMixtureOfOldAndNewStateGoesOnAndRollsNothingBack) {
  const std::vector<std::string> names{"root", "targets", "snapshot", "timestamp"};
  const auto state_now = [&] {
    std::vector<std::string> texts;
    for (const auto& name : names) texts.push_back(read(state(name)));
    return texts;
  };
  expect_accepted();
  const auto before = state_now();
  const auto old_timestamp = read(metadata("timestamp.json"));
  for (const std::string role : {"timestamp", "snapshot", "targets"}) ++signer_.role(role).version;
  rotate_root("root two");
  expect_accepted();
  const auto after = state_now();
  const auto new_timestamp = read(metadata("timestamp.json"));
  for (unsigned mixture = 0; mixture < 16; ++mixture) {
    SCOPED_TRACE(mixture);
    const auto lay_down = [&] {
      for (unsigned i = 0; i < 4; ++i)
        write(state(names[i]), (mixture >> i & 1) != 0 ? after[i] : before[i]);
    };
    lay_down();
    expect_accepted();
    EXPECT_EQ(state_now(), after);
    lay_down();
    write(metadata("timestamp.json"), old_timestamp);
    if ((mixture & 14) != 0) {
      expect_refused(Errc::untrusted, "was seen before");
    }
    write(metadata("timestamp.json"), new_timestamp);
  }
}

TEST_F(TrustedRoot, APersistedRootThatNobodyTrustedSignedIsIgnored) {
  TufSigner stranger(repository_.path() + "/stranger");
  for (const std::string name : {"root", "timestamp", "snapshot", "targets"})
    stranger.role(name).keys = {SigningKey("stranger " + name)};
  stranger.role("root").version = 1;
  write(state("root"), stranger.root_text());
  expect_accepted();
  EXPECT_EQ(read(state("root")), read(baked()));
}

TEST_F(TrustedRoot, RotationOfTimestampKeysForgivesStolenVersions) {
  for (const auto* role : {"timestamp", "snapshot"}) signer_.role(role).version = 1000000;
  signer_.publish();
  expect_accepted();
  for (const auto* role : {"timestamp", "snapshot"}) signer_.role(role).version = 2;
  signer_.publish();
  expect_refused(Errc::untrusted, "was seen before");
  signer_.role("timestamp").keys.emplace_back("new timestamp");
  rotate_root("root two");
  expect_accepted();
}

// The chain begins at the baked root again in every run, and its keys of then say nothing of now.
TEST_F(TrustedRoot, ARotationLongAgoForgivesNothingNew) {
  signer_.role("timestamp").keys = {SigningKey("new timestamp")};
  rotate_root("root two");
  rotate_root("root three");  // by which the baked root's key no longer signs
  signer_.publish_again();
  signer_.publish_again();
  expect_accepted();
  for (const auto* role : {"timestamp", "snapshot"}) signer_.role(role).version = 2;
  signer_.publish();
  expect_refused(Errc::untrusted, "was seen before");
}

// The timestamp's first key stays: only the order of the writes keeps the stolen version from
// counting.
TEST_F(TrustedRoot, StolenVersionsAreForgottenBeforeTheNewRootIsWritten) {
  signer_.role("timestamp").version = 1000000;
  signer_.publish();
  expect_accepted();
  signer_.role("timestamp").version = 2;
  signer_.role("timestamp").keys.emplace_back("new timestamp");
  rotate_root("root two");
  // The root cannot be replaced, as if the power failed at that write.
  std::filesystem::create_directory(appliance_.path() + "/var/lib/cube-update/tuf/.root.json.new");
  EXPECT_FALSE(refresh());
  EXPECT_FALSE(std::filesystem::exists(state("timestamp")));
  std::filesystem::remove(appliance_.path() + "/var/lib/cube-update/tuf/.root.json.new");
  expect_accepted();
}

}  // namespace
}  // namespace cube
