// Documents beside the releases that one delegated role alone may sign, seen through
// ReleaseChannel.
#include <gtest/gtest.h>

#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class KeysDocument : public ApplianceAndRepository {
 protected:
  static constexpr const char* path = "fleet/plan.json";

  KeysDocument() {
    signer_.delegate("rollout", {path});
    signer_.add_document(path, "the plan", "rollout");
    signer_.publish_again();
  }
  [[nodiscard]] Result<Verified<std::string>> plan(std::size_t max_bytes = 1000) const {
    CUBE_TRY(auto channel, open());
    return channel.document("rollout", path, max_bytes);
  }
  void expect_untrusted(const std::string& because) const {
    const auto found = plan();
    ASSERT_FALSE(found) << "believed: " << because;
    EXPECT_EQ(found.error().code, Errc::untrusted) << found.error().what;
    EXPECT_NE(found.error().what.find(because), std::string::npos) << found.error().what;
  }
};

TEST_F(KeysDocument, ItIsReadAsItWasSigned) {
  const auto found = plan();
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->get(), "the plan");
  EXPECT_EQ(plan(7).error().code, Errc::untrusted) << "larger than asked for";
}

TEST_F(KeysDocument, NobodyListsIt) {
  signer_.add_document(path, "the plan", "nobody");
  signer_.publish_again();
  EXPECT_EQ(plan().error().code, Errc::not_found);
}

TEST_F(KeysDocument, TheTargetsRoleItselfMayNotSignIt) {
  signer_.add_document(path, "another plan", "targets");
  signer_.publish_again();
  expect_untrusted("listed by role targets");
}

TEST_F(KeysDocument, ASisterMayNotSignIt) {
  TufSigner signer(repository_.path());
  signer_ = signer;
  signer_.add_release(newer, manifest_of(newer));
  signer_.delegate("partner", {"fleet/*", "releases/*/*"});
  signer_.delegate("rollout", {path});
  signer_.add_document(path, "another plan", "partner");
  for (int i = 0; i < 5; ++i) signer_.publish_again();
  expect_untrusted("listed by role partner");
}

// A sister cannot bring a role of the same name, nor reach a path that it does not cover.
TEST_F(KeysDocument, ARoleOfThatNameOfAnotherDelegator) {
  const SigningKey key("impostor");
  signer_.delegate("partner", {"fleet/*"});
  signer_.role("partner").edit = [&](Json::Object& body) {
    body["delegations"] =
        Json::Object{{"keys", Json::Object{{key.id(), key.object()}}},
                     {"roles", Json::Array{Json::Object{{"name", "rollout-2"},
                                                        {"keyids", Json::Array{key.id()}},
                                                        {"threshold", 1},
                                                        {"terminating", false},
                                                        {"paths", Json::Array{path}}}}}};
  };
  signer_.publish_again();
  const auto found = plan();
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->get(), "the plan");
}

TEST_F(KeysDocument, OtherBytesAreNotBelieved) {
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(repository_.path() + "/targets/fleet"))
    write(entry.path(), "thE plan");
  expect_untrusted("is not the signed one");
}

TEST_F(KeysDocument, OnceItsRoleExpiredItIsNotBelievedAndReleasesAre) {
  signer_.role("rollout").expires = "2026-07-31T00:00:00Z";
  signer_.publish_again();
  expect_untrusted("rollout.json");
  auto channel = open();
  const auto names = channel->names();
  ASSERT_TRUE(names) << "a role that offers no release is not asked: " << names.error().what;
  EXPECT_EQ(names->size(), 2u);
}

TEST_F(KeysDocument, ItsRoleIsNeverRolledBack) {
  ASSERT_TRUE(plan());
  signer_.role("rollout").version = 1;
  signer_.add_document(path, "an old plan", "rollout");
  for (const char* top : {"targets", "snapshot", "timestamp"}) ++signer_.role(top).version;
  signer_.publish();
  EXPECT_EQ(plan().error().code, Errc::untrusted);
}

}  // namespace
}  // namespace cube
