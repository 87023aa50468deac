// A repository that is out of reach, as this machine knows it: what was believed last is verified
// again, and nothing else is believed.
#include <gtest/gtest.h>

#include "tests/support/appliance_and_repository.h"

namespace cube {
namespace {

class KeysKnown : public ApplianceAndRepository {
 protected:
  // The machine has seen the repository; then it is gone.
  void see_and_lose() {
    expect_accepted();
    std::filesystem::remove_all(repository_.path() + "/metadata");
    std::filesystem::remove_all(repository_.path() + "/targets");
    ASSERT_FALSE(ask());
  }
  [[nodiscard]] Result<Verified<Release>> ask_offline(
      const std::string& time, const std::string& manifest = manifest_of(newer),
      bool accept_stale = false) const {
    const FixedClock clock(time);
    ChannelConfig known = config();
    known.accept_stale = accept_stale;
    CUBE_TRY(auto channel, ReleaseChannel::open_known(root_, clock, known, manifest));
    return channel.release(newer);
  }
  void expect_doubt(const Result<Verified<Release>>& asked, const std::string& word) {
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().code, Errc::untrusted) << asked.error().what;
    EXPECT_NE(asked.error().what.find(word), std::string::npos) << asked.error().what;
  }

  const std::string now_ = "2026-08-01T00:00:00Z";
};

TEST_F(KeysKnown, TheReleaseIsVerifiedAgainWithoutTheRepository) {
  see_and_lose();
  const auto before = persisted();
  const auto known = ask_offline(now_);
  ASSERT_TRUE(known) << known.error().what;
  EXPECT_EQ(known->get().name.text, newer);
  EXPECT_EQ(persisted(), before);
}

TEST_F(KeysKnown, OnlyTheSignedManifestIsBelieved) {
  see_and_lose();
  expect_doubt(ask_offline(now_, manifest_of(newer, 9)), "manifest.json");
  expect_doubt(ask_offline(now_, ""), "manifest.json");
}

TEST_F(KeysKnown, WithoutMetadataNothingIsBelieved) {
  see_and_lose();
  for (const char* role : {"targets", "snapshot", "timestamp"}) {
    const auto text = read(state(role));
    std::filesystem::remove(state(role));
    EXPECT_FALSE(ask_offline(now_)) << role;
    auto spoilt = text;
    spoilt[spoilt.find("\"version\"") + 11] ^= 1;
    write(state(role), spoilt);
    EXPECT_FALSE(ask_offline(now_)) << role;
    write(state(role), text);
    EXPECT_TRUE(ask_offline(now_)) << role;
  }
  std::filesystem::remove(baked());
  expect_doubt(ask_offline(now_), "trusted root");
}

// Timestamps are made to last days; a download may wait longer for its window.
TEST_F(KeysKnown, ThatNothingNewerExistsIsJudgedAsOfThen) {
  signer_.role("timestamp").expires = signer_.role("snapshot").expires = "2026-08-03T00:00:00Z";
  signer_.role("targets").expires = "2026-10-01T00:00:00Z";
  signer_.publish_again();
  see_and_lose();
  const auto late = ask_offline("2026-09-01T00:00:00Z");
  EXPECT_TRUE(late) << late.error().what;
  expect_doubt(ask_offline("2026-10-02T00:00:00Z"), "targets.json: expired");
  EXPECT_TRUE(ask_offline("2026-10-02T00:00:00Z", manifest_of(newer), true)) << "--accept-stale";
}

TEST_F(KeysKnown, AMachineThatNeverBelievedAnythingHasNoThen) {
  signer_.role("timestamp").expires = "2026-08-03T00:00:00Z";
  signer_.publish_again();
  see_and_lose();
  std::filesystem::remove(appliance_.path() + "/var/lib/cube-update/tuf/last-time");
  expect_doubt(ask_offline("2026-09-01T00:00:00Z"), "timestamp.json: expired");
}

TEST_F(KeysKnown, WhatWasWithdrawnSinceTheDownloadIsGone) {
  expect_accepted();
  signer_.withdraw(newer);
  signer_.publish_again();
  ASSERT_TRUE(refresh());
  std::filesystem::remove_all(repository_.path());
  const auto known = ask_offline(now_);
  ASSERT_FALSE(known);
  EXPECT_EQ(known.error().code, Errc::not_found) << known.error().what;
}

}  // namespace
}  // namespace cube
