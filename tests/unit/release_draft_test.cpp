// Lists of releases that are signed by holders who never meet.
#include <filesystem>
#include <functional>

#include "release/draft.h"
#include "release/signed_metadata.h"
#include "tests/support/publisher_fixture.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

// Two keys sign the list; neither private part is with the publisher.
class ReleaseDraftTest : public ReleaseTest {
 protected:
  [[nodiscard]] Publisher of_two_holders() const {
    auto publisher = init();
    const auto keys = KeyFolder::open(publisher.keys_path()).value();
    EXPECT_TRUE(keys.generate("targets-2"));
    RootChange change;
    change.add = {{"targets", "targets-2"}};
    change.thresholds["targets"] = 2;
    EXPECT_TRUE(publisher.publish_root(publisher.draft_root(change, now_).value(), now_));
    for (const std::string name : {"targets", "targets-2"}) {
      fs::create_directory(holder(name));
      fs::rename(keys.path() + "/" + name + ".pem", holder(name) + "/" + name + ".pem");
    }
    return publisher;
  }
  [[nodiscard]] std::string holder(const std::string& name) const {
    return scratch_.path() + "/holder-of-" + name;
  }
  [[nodiscard]] std::string signed_by(const std::string& name, const std::string& draft) const {
    const auto folder = KeyFolder::open(holder(name)).value();
    return add_signatures(draft, {folder.load(folder.find(name).value()).value()}).value();
  }
  [[nodiscard]] std::string signed_by_both(const std::string& draft) const {
    return signed_by("targets-2", signed_by("targets", draft));
  }
  // The draft with other content, signed by both.
  [[nodiscard]] std::string edited(const std::string& draft,
                                   const std::function<void(Json::Object&)>& edit) const {
    auto body = signed_part(draft).value();
    edit(body);
    return signed_by_both(sign_with(Json(std::move(body)), {}).value());
  }

  const UnixSeconds now_ = clock_2026.now();
};

TEST_F(ReleaseDraftTest, AListIsSignedByOneHolderAfterTheOther) {
  const auto publisher = of_two_holders();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  EXPECT_EQ(publisher.publish(now_).error().code, Errc::untrusted);
  const auto draft = publisher.draft_targets(now_).value();
  EXPECT_EQ(publisher.publish_targets(draft, now_).error().code, Errc::untrusted);
  const auto half = signed_by("targets", draft);
  EXPECT_EQ(publisher.publish_targets(half, now_).error().code, Errc::untrusted);
  EXPECT_EQ(signed_by("targets", half), half) << "twice is once";
  EXPECT_EQ(verify().error().code, Errc::nothing_to_do);
  EXPECT_EQ(publisher.pending()->size(), 1U);
  const auto whole = signed_by("targets-2", half);
  const auto done = publisher.publish_targets(whole, now_);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->releases, std::vector<std::string>{old_name});
  EXPECT_TRUE(publisher.pending()->empty());
  EXPECT_EQ(verify()->size(), 1U);
  EXPECT_EQ(publisher.publish_targets(whole, now_).error().code, Errc::invalid) << "once only";
}

TEST_F(ReleaseDraftTest, WhatIsComposedAfterTheDraftStaysPending) {
  const auto publisher = of_two_holders();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  const auto draft = signed_by_both(publisher.draft_targets(now_).value());
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish_targets(draft, now_));
  EXPECT_EQ(verify()->size(), 1U);
  ASSERT_EQ(publisher.pending()->size(), 1U);
  EXPECT_EQ(publisher.pending()->front().name.text, new_name);
}

TEST_F(ReleaseDraftTest, ADraftHasThePublishedListAndWhatIsPendingHereAndNothingElse) {
  const auto publisher = of_two_holders();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  ASSERT_TRUE(
      publisher.publish_targets(signed_by_both(publisher.draft_targets(now_).value()), now_));
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  const auto draft = publisher.draft_targets(now_).value();
  const auto targets = [](Json::Object& body) { return body["targets"].object().value(); };
  const std::vector<std::function<void(Json::Object&)>> edits{
      [&](Json::Object& body) {  // a release that nobody composed here
        auto all = targets(body);
        all["releases/CUBE_9_20260801-0000_ffff/manifest.json"] = target_file("planted");
        body["targets"] = all;
      },
      [&](Json::Object& body) {  // another manifest under the same name
        auto all = targets(body);
        all[target_of_release(new_name)] = target_file("planted");
        body["targets"] = all;
      },
      [&](Json::Object& body) {  // a published one under another name
        auto all = targets(body);
        all["other.json"] = all[target_of_release(old_name)];
        all.erase(target_of_release(old_name));
        body["targets"] = all;
      },
      [](Json::Object& body) { body["version"] = 7; },
      [](Json::Object& body) { body["expires"] = "2026-07-31T00:00:00Z"; },
      [](Json::Object& body) {
        body["delegations"] = Json::Object{{"keys", Json::Object{}}, {"roles", Json::Array{}}};
      },
  };
  for (std::size_t number = 0; number < edits.size(); ++number) {
    const auto error = publisher.publish_targets(edited(draft, edits[number]), now_).error();
    EXPECT_EQ(error.code, Errc::invalid) << number << error.what;
  }
  EXPECT_EQ(publisher.publish_targets("{}", now_).error().code, Errc::corrupt);
  EXPECT_EQ(verify()->size(), 1U);
  ASSERT_TRUE(publisher.publish_targets(signed_by_both(draft), now_));
  EXPECT_EQ(verify()->size(), 2U);
}

TEST_F(ReleaseDraftTest, SignaturesOfRevokedKeysDoNotCount) {
  const auto publisher = of_two_holders();
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  const auto whole = signed_by_both(publisher.draft_targets(now_).value());
  ASSERT_TRUE(keys.generate("targets-3"));
  RootChange change;
  change.add = {{"targets", "targets-3"}};
  change.remove = {{"targets", "targets-2"}};
  ASSERT_TRUE(publisher.publish_root(publisher.draft_root(change, now_).value(), now_));
  EXPECT_EQ(publisher.publish_targets(whole, now_).error().code, Errc::untrusted);
}

TEST_F(ReleaseDraftTest, TheSameListIsSignedAnewBeforeItExpires) {
  const auto publisher = of_two_holders();
  EXPECT_EQ(publisher.draft_targets(now_, {}, false).error().code, Errc::nothing_to_do);
  EXPECT_EQ(publisher.draft_targets(now_).error().code, Errc::nothing_to_do);
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  ASSERT_TRUE(
      publisher.publish_targets(signed_by_both(publisher.draft_targets(now_).value()), now_));
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  const FixedClock later("2027-07-01T00:00:00Z");
  ASSERT_TRUE(publisher.renew(later.now())) << "the snapshot and the timestamp";
  const auto draft = publisher.draft_targets(later.now(), {}, false).value();
  ASSERT_TRUE(publisher.publish_targets(signed_by_both(draft), later.now()));
  EXPECT_EQ(verify(FixedClock("2027-09-01T00:00:00Z"))->size(), 1U);
  EXPECT_EQ(publisher.pending()->size(), 1U);
}

TEST_F(ReleaseDraftTest, AnInterruptedPublishNeedsNoNewSignatures) {
  const auto publisher = of_two_holders();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  const auto whole = signed_by_both(publisher.draft_targets(now_).value());
  const std::string obstacle = repository() + "/metadata/.timestamp.json.new";
  fs::create_directory(obstacle);
  ASSERT_FALSE(publisher.publish_targets(whole, now_));
  ASSERT_TRUE(fs::exists(repository() + "/metadata/1.targets.json"));
  fs::remove(obstacle);
  const auto done = publisher.publish_targets(whole, now_);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(verify()->size(), 1U);
}

TEST_F(ReleaseDraftTest, AReleaseIsWithdrawnByHoldersWhoNeverMeet) {
  const auto publisher = of_two_holders();
  for (const auto* name : {old_name, new_name}) ASSERT_TRUE(publisher.add_release(release(name)));
  ASSERT_TRUE(
      publisher.publish_targets(signed_by_both(publisher.draft_targets(now_).value()), now_));
  EXPECT_EQ(publisher.withdraw(new_name, now_).error().code, Errc::untrusted);
  const auto draft = publisher.draft_withdrawal(new_name, now_).value();
  EXPECT_EQ(publisher.publish_targets(signed_by("targets", draft), now_).error().code,
            Errc::untrusted);
  EXPECT_EQ(verify()->size(), 2U);
  const auto done = publisher.publish_targets(signed_by_both(draft), now_);
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->withdrawn, std::vector<std::string>{new_name});
  ASSERT_EQ(verify()->size(), 1U);
  EXPECT_EQ(verify()->front().name.text, old_name);
  EXPECT_EQ(publisher.draft_withdrawal(new_name, now_).error().code, Errc::invalid);
}

}  // namespace
}  // namespace cube
