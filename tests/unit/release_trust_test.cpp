// What the publisher signs anew: only what it signed itself, under keys that count now.
#include <filesystem>
#include <functional>

#include "release/signed_metadata.h"
#include "release/signed_record.h"
#include "tests/support/publisher_fixture.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

constexpr const char* planted_name = "CUBE_9.9.9_20260701-0000_ffff1111";

class ReleaseTrustTest : public ReleaseTest {
 protected:
  [[nodiscard]] Publisher with_one_release() const {
    auto publisher = init();
    EXPECT_TRUE(publisher.add_release(release(old_name)));
    EXPECT_TRUE(publisher.publish(clock_2026.now()));
    return publisher;
  }

  // Other keys for these roles; `thief` has those before.
  void rotate(const Publisher& publisher, const std::string& thief,
              const std::vector<std::string>& roles = {"targets", "snapshot", "timestamp"}) const {
    fs::copy(publisher.keys_path(), thief);
    const auto keys = KeyFolder::open(publisher.keys_path()).value();
    RootChange change;
    for (const auto& role : roles) {
      ASSERT_TRUE(keys.generate(role + "-2"));
      change.add.push_back({role, role + "-2"});
      change.remove.push_back({role, role});
    }
    const auto now = clock_2026.now();
    ASSERT_TRUE(publisher.publish_root(publisher.draft_root(change, now).value(), now));
  }

  [[nodiscard]] std::string metadata(const std::string& file) const {
    return repository() + "/metadata/" + file;
  }

  // A whole list with one more release, as somebody with these keys and write access makes it;
  // `edit` changes the targets before they are signed.
  void plant(
      const KeyFolder& keys, const Root& root, const PublishedState& state,
      const std::function<void(Json::Object&)>& edit = [](Json::Object&) {}) const {
    const auto expires = clock_2026.now() + 1000000;
    auto body = signed_part(state.targets.text).value();
    auto targets = body["targets"].object().value();
    targets[target_of_release(planted_name)] = target_file("planted");
    edit(body);
    const auto list =
        sign_document(targets_body({"targets", 50, expires}, body, targets), keys, root, "targets");
    auto meta = signed_part(state.snapshot.text).value();
    const auto snapshot =
        sign_document(meta_body({"snapshot", 50, expires}, meta, "targets", 50, *list).value(),
                      keys, root, "snapshot");
    const auto timestamp =
        sign_document(meta_body({"timestamp", 50, expires}, {}, "snapshot", 50, *snapshot).value(),
                      keys, root, "timestamp");
    put(metadata("50.targets.json"), list.value());
    put(metadata("50.snapshot.json"), snapshot.value());
    put(metadata("timestamp.json"), timestamp.value());
  }

  void expect_refused(const Publisher& publisher, Errc code, const std::string& says) const {
    const auto before = get(metadata("timestamp.json"));
    const auto now = clock_2026.now();
    for (const auto& error : {publisher.renew(now).error(), publisher.publish(now).error(),
                              publisher.draft_root({}, now).error()}) {
      EXPECT_EQ(error.code, code) << error.what;
      EXPECT_NE(error.what.find(says), std::string::npos) << error.what;
    }
    EXPECT_EQ(get(metadata("timestamp.json")), before);
  }
};

TEST_F(ReleaseTrustTest, WhatRotatedKeysSignedIsNeverSignedAnew) {
  const auto publisher = with_one_release();
  const auto old_root = publisher.repository().roots()->back();
  rotate(publisher, scratch_.path() + "/thief");
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  const auto good = get(metadata("timestamp.json"));
  const auto record = read_signed_record(publisher.repository().folder())->value();
  const auto thief = KeyFolder::open(scratch_.path() + "/thief").value();
  plant(thief, old_root, publisher.repository().published()->value());
  expect_refused(publisher, Errc::corrupt, "somebody else wrote it");
  // Nor where the thief can write to publisher/, too.
  fs::remove(repository() + "/publisher/signed.json");
  expect_refused(publisher, Errc::untrusted, "by root version 2");
  const auto planted = get(metadata("timestamp.json"));
  ASSERT_TRUE(write_signed_record(publisher.repository().folder(),
                                  {to_hex(sha256(planted)), record.timestamp}));
  ASSERT_TRUE(publisher.renew(clock_2026.now())) << "goes on from what the new keys signed";
  const auto listed = publisher.published().value();
  for (const auto& each : listed) EXPECT_NE(each.name.text, planted_name);
  ASSERT_TRUE(
      write_signed_record(publisher.repository().folder(), {to_hex(sha256(planted)), planted}));
  put(metadata("timestamp.json"), planted);
  expect_refused(publisher, Errc::untrusted, "by root version 2");
  put(metadata("timestamp.json"), good);
  ASSERT_TRUE(write_signed_record(publisher.repository().folder(), record));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  EXPECT_EQ(verify()->size(), 2U);
}

TEST_F(ReleaseTrustTest, EachDocumentNeedsTheKeysThatCountNow) {
  for (const std::string role : {"targets", "snapshot", "timestamp"}) {
    const auto publisher = with_one_release();
    const auto old_root = publisher.repository().roots()->back();
    rotate(publisher, scratch_.path() + "/thief", {role});
    plant(KeyFolder::open(scratch_.path() + "/thief").value(), old_root,
          publisher.repository().published()->value());
    fs::remove(repository() + "/publisher/signed.json");
    expect_refused(publisher, Errc::untrusted, role + ".json, by root version 2");
    for (const auto& folder : {repository(), publisher.keys_path(), scratch_.path() + "/thief"})
      fs::remove_all(folder);
  }
}

TEST_F(ReleaseTrustTest, WhatAThiefOfPresentKeysSignedIsNotSignedAnewWhenTheyAreReplaced) {
  const auto publisher = with_one_release();
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  const auto root = publisher.repository().roots()->back();
  const auto good = get(metadata("timestamp.json"));
  plant(keys, root, publisher.repository().published()->value());
  expect_refused(publisher, Errc::corrupt, "somebody else wrote it");
  put(metadata("timestamp.json"), good);
  rotate(publisher, scratch_.path() + "/thief");
  EXPECT_EQ(verify()->size(), 1U);
  EXPECT_EQ(publisher.published()->size(), 1U);
}

TEST_F(ReleaseTrustTest, ARemovedTimestampIsNoEmptyRepository) {
  const auto publisher = with_one_release();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  fs::remove(metadata("timestamp.json"));
  EXPECT_EQ(publisher.publish(clock_2026.now()).error().code, Errc::corrupt);
}

TEST_F(ReleaseTrustTest, ARotationInterruptedAfterItsRootIsFinishedByRenew) {
  const auto publisher = with_one_release();
  const auto old_root = publisher.repository().roots()->back();
  const auto before = publisher.repository().published()->value();
  const std::string thief = scratch_.path() + "/thief";
  const std::string obstacle = metadata(".timestamp.json.new");
  fs::create_directory(obstacle);
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  fs::copy(keys.path(), thief);
  RootChange change;
  for (const std::string role : {"targets", "timestamp"}) {
    ASSERT_TRUE(keys.generate(role + "-2"));
    change.add.push_back({role, role + "-2"});
    change.remove.push_back({role, role});
  }
  const auto now = clock_2026.now();
  ASSERT_FALSE(publisher.publish_root(publisher.draft_root(change, now).value(), now));
  ASSERT_EQ(publisher.repository().roots()->size(), 2U);
  EXPECT_EQ(verify().error().code, Errc::untrusted) << "machines wait";
  fs::remove(obstacle);
  for (const std::string role : {"targets", "timestamp"})
    fs::remove(keys.path() + "/" + role + ".pem");

  const auto served = get(metadata("timestamp.json"));
  plant(KeyFolder::open(thief).value(), old_root, before);
  expect_refused(publisher, Errc::corrupt, "somebody else wrote it");
  put(metadata("timestamp.json"), served);

  ASSERT_TRUE(publisher.renew(now));
  EXPECT_EQ(verify()->size(), 1U);
}

// As a publisher with other programs has them.
TEST_F(ReleaseTrustTest, DelegationsAndUnknownMembersStay) {
  const auto publisher = with_one_release();
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  const auto root = publisher.repository().roots()->back();
  const auto other = keys.generate("other").value();
  auto state = publisher.repository().published()->value();
  const Json delegated(Json::Object{
      {"keys", Json::Object{{other.id, other.public_json}}},
      {"roles", Json::Array{Json::Object{{"name", "team"},
                                         {"keyids", Json::Array{other.id}},
                                         {"threshold", 1},
                                         {"terminating", false},
                                         {"paths", Json::Array{"releases/TEAM*/*"}}}}}});
  const auto expires = clock_2026.now() + 1000000;
  const auto team =
      sign_with(targets_body({"targets", 1, expires}, {}, {}), {keys.load(other).value()}).value();
  put(metadata("1.team.json"), team);
  auto snapshot = signed_part(state.snapshot.text).value();
  auto meta = snapshot["meta"].object().value();
  meta["team.json"] = Json::Object{{"version", 1}};
  snapshot["meta"] = meta;
  snapshot["x-note"] = "kept";
  state.snapshot.text =
      Json(Json::Object{{"signed", snapshot}, {"signatures", Json::Array{}}}).pretty();
  put(repository() + "/targets/releases/" + planted_name + "/" + to_hex(sha256("planted")) +
          ".manifest.json",
      "planted");
  plant(keys, root, state, [&](Json::Object& body) {
    body["delegations"] = delegated;
    body["x-note"] = "kept";
  });
  fs::remove(repository() + "/publisher/signed.json");  // its publisher agrees
  ASSERT_TRUE(publisher.renew(clock_2026.now()));
  const auto after = publisher.repository().published()->value();
  EXPECT_EQ(after.targets.version, 51U);
  auto targets = signed_part(after.targets.text).value();
  EXPECT_EQ(targets["delegations"].canonical(), delegated.canonical());
  EXPECT_EQ(targets["x-note"].string().value(), "kept");
  EXPECT_EQ(after.snapshot.delegated.at("team").version, 1U);
  EXPECT_EQ(signed_part(after.snapshot.text).value()["x-note"].string().value(), "kept");
}

TEST_F(ReleaseTrustTest, UnknownPartsOfARootStay) {
  const auto publisher = init();
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  const auto mirror = keys.generate("mirror").value();
  auto body = signed_part(publisher.repository().roots()->back().text).value();
  auto roles = body["roles"].object().value();
  roles["mirrors"] = Json::Object{{"keyids", Json::Array{mirror.id}}, {"threshold", 1}};
  auto listed = body["keys"].object().value();
  listed[mirror.id] = mirror.public_json;
  body["roles"] = roles;
  body["keys"] = listed;
  body["x-note"] = "kept";
  const auto foreign = parse_root(sign_with(Json(body), {}).value()).value();
  auto next = next_root_body(foreign, {}, keys, clock_2026.now())->object().value();
  EXPECT_EQ(next["version"].unsigned_integer().value(), 2U);
  for (const char* member : {"roles", "keys", "x-note"})
    EXPECT_EQ(next[member].canonical(), body[member].canonical()) << member;
}

TEST_F(ReleaseTrustTest, OneKeyInTwoSpellingsDoesNotMeetAThresholdOfTwo) {
  const auto publisher = init();
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  auto spelled = keys.find("targets")->public_json.object().value();
  spelled["x-note"] = "the same key";
  put(keys.path() + "/again.pub.json", Json(spelled).pretty());
  RootChange change;
  change.add = {{"targets", "again"}};
  change.thresholds["targets"] = 2;
  EXPECT_EQ(publisher.draft_root(change, clock_2026.now()).error().code, Errc::invalid);
  change.thresholds.clear();
  EXPECT_TRUE(publisher.draft_root(change, clock_2026.now()));
}

}  // namespace
}  // namespace cube
