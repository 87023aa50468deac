// The publisher's library against the machine's own client.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

#include "keys/signature.h"
#include "release/draft.h"
#include "tests/support/publisher_fixture.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

TEST_F(ReleaseTest, KeysAreMadeStoredAndReadBack) {
  const auto folder = scratch_.root();
  const auto key = PrivateKey::generate().value();
  ASSERT_TRUE(key.store(folder, "one.pem"));
  EXPECT_EQ(folder.stat("one.pem")->st_mode & 07777, 0600U);
  const auto loaded = PrivateKey::load(folder, "one.pem").value();
  EXPECT_EQ(loaded.id(), key.id());
  const auto signature = loaded.sign("message").value();
  const auto public_key = PublicKey::parse(key.public_json()).value();
  EXPECT_TRUE(*signature_matches(public_key, "message", signature));
  EXPECT_FALSE(*signature_matches(public_key, "another", signature));
}

TEST_F(ReleaseTest, AKeyIsNeverOverwritten) {
  const auto folder = scratch_.root();
  ASSERT_TRUE(PrivateKey::generate()->store(folder, "one.pem"));
  const auto before = get(scratch_.path() + "/one.pem");
  EXPECT_EQ(PrivateKey::generate()->store(folder, "one.pem").error().code, Errc::refused);
  EXPECT_EQ(get(scratch_.path() + "/one.pem"), before);
  const auto keys = KeyFolder::open(scratch_.path()).value();
  ASSERT_TRUE(keys.generate("two"));
  EXPECT_EQ(keys.generate("two").error().code, Errc::refused);
  EXPECT_EQ(keys.generate("../two").error().code, Errc::invalid);
}

TEST_F(ReleaseTest, AKeyThatOthersMayReadIsRefused) {
  const auto folder = scratch_.root();
  ASSERT_TRUE(PrivateKey::generate()->store(folder, "one.pem"));
  ASSERT_EQ(::chmod((scratch_.path() + "/one.pem").c_str(), 0640), 0);
  EXPECT_EQ(PrivateKey::load(folder, "one.pem").error().code, Errc::refused);
}

TEST_F(ReleaseTest, AnExchangedPrivateKeyIsFound) {
  const auto keys = KeyFolder::open(scratch_.path()).value();
  const auto one = keys.generate("one").value();
  ASSERT_TRUE(keys.generate("two"));
  fs::rename(scratch_.path() + "/two.pem", scratch_.path() + "/one.pem");
  EXPECT_EQ(keys.load(one).error().code, Errc::corrupt);
  EXPECT_FALSE(keys.find("two")->has_private);
}

TEST_F(ReleaseTest, PrivateKeysAreOutsideTheRepository) {
  const auto publisher = init(2, 2);
  EXPECT_EQ(publisher.keys_path(), repository() + ".keys");
  for (const auto& entry : fs::recursive_directory_iterator(repository())) {
    if (entry.is_regular_file()) {
      EXPECT_EQ(get(entry.path()).find("PRIVATE KEY"), std::string::npos) << entry.path();
    }
  }
  struct stat st {};
  ASSERT_EQ(::stat(publisher.keys_path().c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0700U);
}

TEST_F(ReleaseTest, InitRefusesNonsense) {
  InitOptions options;
  const auto error_of = [&] {
    return Publisher::init(repository(), options, clock_2026.now()).error().code;
  };
  options.settings.product = "CU_BE";
  EXPECT_EQ(error_of(), Errc::invalid);
  options.settings.product = "CUBE";
  options.root_threshold = 4;
  EXPECT_EQ(error_of(), Errc::invalid);
  options.root_threshold.reset();
  options.root_keys = 17;
  EXPECT_EQ(error_of(), Errc::invalid);
  EXPECT_FALSE(fs::exists(repository())) << "nothing was made";
  init();
  options = {};
  options.settings.product = "CUBE";
  EXPECT_EQ(error_of(), Errc::refused);
}

TEST_F(ReleaseTest, TheFirstRootNeedsMoreThanHalfOfItsKeys) {
  const auto root_role = [&](const Publisher& publisher) {
    auto role = publisher.repository().roots()->back().roles.at("root");
    fs::remove_all(repository());
    fs::remove_all(publisher.keys_path());
    return std::pair{role.key_ids.size(), role.threshold};
  };
  EXPECT_EQ(root_role(init()), (std::pair<std::size_t, std::uint64_t>{3, 2}));
  EXPECT_EQ(root_role(init(1)), (std::pair<std::size_t, std::uint64_t>{1, 1}));
  EXPECT_EQ(root_role(init(4)), (std::pair<std::size_t, std::uint64_t>{4, 3}));
  EXPECT_EQ(root_role(init(4, 1)), (std::pair<std::size_t, std::uint64_t>{4, 1}));
}

TEST_F(ReleaseTest, WhatIsPublishedAMachineBelieves) {
  const auto publisher = init(3, 2);
  EXPECT_EQ(verify().error().code, Errc::nothing_to_do);
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  EXPECT_EQ(verify().error().code, Errc::nothing_to_do) << "pending is not published";
  const auto first = publisher.publish(clock_2026.now());
  ASSERT_TRUE(first) << first.error().what;
  EXPECT_EQ(first->releases, std::vector<std::string>{old_name});
  EXPECT_TRUE(publisher.pending()->empty());
  ASSERT_TRUE(publisher.add_release(release(new_name, 3)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  const auto releases = verify();
  ASSERT_TRUE(releases) << releases.error().what;
  ASSERT_EQ(releases->size(), 2U);
  EXPECT_EQ(releases->at(0).name.text, old_name);
  EXPECT_EQ(releases->at(1).name.text, new_name);
  EXPECT_EQ(releases->at(1).epoch, 3U);
  EXPECT_EQ(publisher.publish(clock_2026.now()).error().code, Errc::nothing_to_do);
}

TEST_F(ReleaseTest, ASecondRunCarriesOnFromTheFolder) {
  ASSERT_TRUE(init().add_release(release(old_name)));
  ASSERT_TRUE(Publisher::open(repository())->publish(clock_2026.now()));
  const auto publisher = Publisher::open(repository()).value();
  EXPECT_EQ(publisher.settings().product, "CUBE");
  EXPECT_EQ(publisher.published()->size(), 1U);
  EXPECT_EQ(publisher.repository().published()->value().timestamp.version, 1U);
}

TEST_F(ReleaseTest, AnyChangedByteIsFound) {
  const auto publisher = init(1);  // so that no signature is one too many
  const auto made = release(new_name);
  ASSERT_TRUE(publisher.add_release(made));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  std::vector<std::string> files{commit_file(made)};
  for (const auto* folder : {"/metadata", "/targets"})
    for (const auto& entry : fs::recursive_directory_iterator(repository() + folder))
      if (entry.is_regular_file()) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 6U);
  for (const auto& file : files) {
    const auto good = get(file);
    for (std::size_t at = 0; at < good.size(); at += file == files[0] ? 1 : 37) {
      auto bad = good;
      bad[at] = static_cast<char>(bad[at] ^ 1);
      put(file, bad);
      const auto verdict = verify();
      ASSERT_FALSE(verdict) << file << " byte " << at;
      ASSERT_TRUE(verdict.error().code == Errc::untrusted || verdict.error().code == Errc::corrupt)
          << verdict.error().what;
    }
    put(file, good);
  }
  EXPECT_TRUE(verify());
}

TEST_F(ReleaseTest, ADamagedStateIsNotSignedAnew) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  auto targets = get(repository() + "/metadata/1.targets.json");
  targets.replace(targets.find("CUBE_2.2.3"), 10, "CUBE_9.9.9");
  put(repository() + "/metadata/1.targets.json", targets);
  EXPECT_EQ(publisher.renew(clock_2026.now()).error().code, Errc::corrupt);
  EXPECT_EQ(publisher.add_release(release(new_name)).error().code, Errc::corrupt);
}

TEST_F(ReleaseTest, WithoutKeysNothingIsSignedAndNothingChanges) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  fs::rename(publisher.keys_path() + "/snapshot.pem", scratch_.path() + "/away.pem");
  const auto missing = publisher.publish(clock_2026.now());
  EXPECT_EQ(missing.error().code, Errc::untrusted);
  EXPECT_NE(missing.error().what.find("role snapshot"), std::string::npos);
  EXPECT_FALSE(fs::exists(repository() + "/metadata/1.targets.json"));
  fs::rename(publisher.keys_path(), scratch_.path() + "/gone");
  EXPECT_EQ(publisher.publish(clock_2026.now()).error().code, Errc::untrusted);
  EXPECT_EQ(publisher.pending()->size(), 1U);
}

TEST_F(ReleaseTest, WhatWasPublishedNeverChanges) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  EXPECT_EQ(publisher.add_release(release(new_name)).error().code, Errc::nothing_to_do);
  EXPECT_EQ(publisher.add_release(release(new_name, 1)).error().code, Errc::invalid);
}

TEST_F(ReleaseTest, AnotherProductOrAMissingCommitIsRefused) {
  const auto publisher = init();
  EXPECT_EQ(publisher.add_release(release("DICE_1_20220401-1200_aaaa1111")).error().code,
            Errc::invalid);
  const auto made = release(new_name);
  ASSERT_TRUE(publisher.add_release(made));
  fs::remove(commit_file(made));
  EXPECT_EQ(publisher.publish(clock_2026.now()).error().code, Errc::corrupt);
  EXPECT_EQ(publisher.add_release(made).error().code, Errc::corrupt);
}

TEST_F(ReleaseTest, AnOlderReleaseOrLowerEpochIsPublishedWithAWarning) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name, 2)));
  EXPECT_TRUE(publisher.publish(clock_2026.now())->warnings.empty());
  ASSERT_TRUE(publisher.add_release(release(old_name, 1)));
  const auto second = publisher.publish(clock_2026.now());
  ASSERT_TRUE(second) << second.error().what;
  EXPECT_EQ(second->warnings.size(), 2U);
  EXPECT_EQ(verify()->back().name.text, new_name);
}

// The last step, the one that readers see, fails: as after a power cut just before it.
TEST_F(ReleaseTest, AnInterruptedPublishLeavesReadersOnTheOldState) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  const std::string obstacle = repository() + "/metadata/.timestamp.json.new";
  fs::create_directory(obstacle);
  ASSERT_FALSE(publisher.publish(clock_2026.now()));
  EXPECT_TRUE(fs::exists(repository() + "/metadata/2.snapshot.json"));
  EXPECT_EQ(verify()->size(), 1U);
  fs::remove(obstacle);
  const auto again = publisher.publish(clock_2026.now());
  ASSERT_TRUE(again) << again.error().what;
  EXPECT_EQ(verify()->size(), 2U);
  EXPECT_EQ(publisher.repository().published()->value().targets.version, 3U)
      << "a version that was written is not written again";
}

TEST_F(ReleaseTest, AWithdrawnReleaseIsOfferedNoMore) {
  const auto publisher = init();
  for (const auto* name : {old_name, new_name})
    ASSERT_TRUE(publisher.add_release(release(name))) << name;
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  EXPECT_EQ(verify()->size(), 2U);
  const auto files = fs::path(repository()) / "targets/releases" / new_name;
  const auto done = publisher.withdraw(new_name, clock_2026.now());
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_EQ(done->withdrawn, std::vector<std::string>{new_name});
  const auto left = verify();
  ASSERT_TRUE(left) << left.error().what;
  ASSERT_EQ(left->size(), 1U);
  EXPECT_EQ(left->front().name.text, old_name);
  EXPECT_FALSE(fs::is_empty(files)) << "for readers who are in the middle of it";
  EXPECT_EQ(publisher.withdraw(new_name, clock_2026.now()).error().code, Errc::invalid);
  EXPECT_EQ(publisher.withdraw("../x", clock_2026.now()).error().code, Errc::invalid);
}

TEST_F(ReleaseTest, APendingReleaseIsDroppedWithoutASignature) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(old_name)));
  const auto done = publisher.withdraw(old_name, clock_2026.now());
  ASSERT_TRUE(done) << done.error().what;
  EXPECT_TRUE(done->signed_roles.empty());
  EXPECT_TRUE(publisher.pending()->empty());
  EXPECT_FALSE(fs::exists(repository() + "/metadata/timestamp.json"));
}

TEST_F(ReleaseTest, RenewKeepsAnExpiredRepositoryAlive) {
  const auto publisher = init();
  EXPECT_EQ(publisher.renew(clock_2026.now()).error().code, Errc::nothing_to_do);
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now(), 10));
  const FixedClock later("2026-08-12T00:00:00Z");
  EXPECT_EQ(verify(later).error().code, Errc::untrusted);
  ASSERT_TRUE(publisher.renew(later.now()));
  EXPECT_EQ(verify(later)->size(), 1U);
}

TEST_F(ReleaseTest, TheTimestampAloneIsRenewedWithItsKeyAlone) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  for (const std::string name : {"root-1", "targets", "snapshot"})
    fs::remove(publisher.keys_path() + "/" + name + ".pem");
  const FixedClock later("2026-12-01T00:00:00Z");
  const auto renewed = publisher.renew(later.now());
  ASSERT_TRUE(renewed) << renewed.error().what;
  EXPECT_EQ(renewed->signed_roles, std::vector<std::string>{"timestamp"});
  EXPECT_EQ(verify(later)->size(), 1U);
}

TEST_F(ReleaseTest, AnExpiringRootIsTold) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  const FixedClock late("2036-06-01T00:00:00Z");
  EXPECT_EQ(publisher.publish(late.now())->warnings.size(), 1U);
}

Result<Publication> next_root(const Publisher& publisher, const RootChange& change, UnixSeconds now,
                              std::optional<std::uint64_t> days = {}) {
  CUBE_TRY(const auto draft, publisher.draft_root(change, now, days));
  return publisher.publish_root(draft, now);
}

TEST_F(ReleaseTest, TheNextRootChangesKeysAndOldMachinesFollow) {
  const auto publisher = init(2, 2);
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  for (const std::string name : {"root-3", "targets-2"}) ASSERT_TRUE(keys.generate(name));
  RootChange change;
  change.add = {{"root", "root-3"}, {"targets", "targets-2"}};
  change.remove = {{"root", "root-1"}, {"targets", "targets"}};
  const auto changed = next_root(publisher, change, clock_2026.now());
  ASSERT_TRUE(changed) << changed.error().what;
  EXPECT_EQ(changed->signed_roles,
            (std::vector<std::string>{"root", "targets", "snapshot", "timestamp"}));
  for (const std::string name : {"root-1", "targets"})
    fs::remove(publisher.keys_path() + "/" + name + ".pem");
  const auto releases = verify();  // its trusted root is the first
  ASSERT_TRUE(releases) << releases.error().what;
  EXPECT_EQ(releases->size(), 1U);
  EXPECT_TRUE(publisher.renew(clock_2026.now())) << "with the new keys alone";
  EXPECT_TRUE(verify());
}

TEST_F(ReleaseTest, TheNextRootNeedsTheThresholdsOfBoth) {
  const auto publisher = init(2, 2);
  fs::rename(publisher.keys_path() + "/root-2.pem", scratch_.path() + "/away");
  EXPECT_EQ(next_root(publisher, {}, clock_2026.now()).error().code, Errc::untrusted);
  fs::rename(scratch_.path() + "/away", publisher.keys_path() + "/root-2.pem");
  RootChange change;
  change.thresholds["root"] = 3;
  EXPECT_EQ(next_root(publisher, change, clock_2026.now()).error().code, Errc::invalid);
  change = {};
  change.remove = {{"targets", "targets"}};
  EXPECT_EQ(next_root(publisher, change, clock_2026.now()).error().code, Errc::invalid);
  EXPECT_FALSE(fs::exists(repository() + "/metadata/2.root.json"));
  const auto renewed = next_root(publisher, {}, clock_2026.now(), 5000);
  ASSERT_TRUE(renewed) << renewed.error().what;
  EXPECT_EQ(renewed->signed_roles, std::vector<std::string>{"root"});
  EXPECT_EQ(publisher.repository().roots()->size(), 2U);
}

class OnePassphrase final : public Passphrases {
 public:
  explicit OnePassphrase(std::string text) : text_(std::move(text)) {}
  Result<SecretText> of(const std::string&) override { return SecretText(text_); }
  Result<SecretText> pin_of(const std::string&) override { return SecretText(text_); }
  Result<SecretText> for_new(const std::string&) override { return SecretText(text_); }

 private:
  std::string text_;
};

TEST_F(ReleaseTest, KeysWithPassphrases) {
  OnePassphrase right("correct horse"), wrong("battery staple");
  const std::string path = scratch_.path() + "/safe";
  const auto made = KeyFolder::make(path, &right)->generate("one", true);
  ASSERT_TRUE(made) << made.error().what;
  const auto load = [&](Passphrases* passphrases) {
    const auto keys = KeyFolder::open(path, passphrases).value();
    return keys.load(keys.find("one").value());
  };
  EXPECT_EQ(load(&right)->id(), made->id);
  EXPECT_EQ(load(&wrong).error().code, Errc::untrusted);
  EXPECT_EQ(load(nullptr).error().code, Errc::untrusted);
  EXPECT_TRUE(KeyFolder::open(path)->find("one")) << "its public part needs none";
}

// Each holder of a key has a folder of their own; the draft is carried from one to the next.
TEST_F(ReleaseTest, ADraftIsSignedByOneHolderAfterTheOther) {
  const auto publisher = init(3, 2);
  const auto holder = [&](const std::string& name) {
    const auto folder = KeyFolder::make(scratch_.path() + "/holder-" + name).value();
    for (const char* tail : {".pem", ".pub.json"})
      fs::copy(publisher.keys_path() + "/" + name + tail, folder.path() + "/" + name + tail);
    return folder.load(folder.find(name).value()).value();
  };
  const auto first = holder("root-1"), second = holder("root-2");
  for (const char* name : {"root-1", "root-2", "root-3"})
    fs::remove(publisher.keys_path() + "/" + name + ".pem");
  const auto now = clock_2026.now();
  auto draft = publisher.draft_root({}, now).value();
  EXPECT_EQ(publisher.publish_root(draft, now).error().code, Errc::untrusted);
  draft = add_signatures(draft, {first}).value();
  EXPECT_NE(publisher.publish_root(draft, now).error().what.find("signed by 1 of the 2"),
            std::string::npos);
  EXPECT_EQ(add_signatures(draft, {first}).value(), draft) << "twice is once";
  const auto whole = add_signatures(draft, {second}).value();
  auto changed = whole;
  changed.replace(changed.find("\"threshold\": 2"), 14, "\"threshold\": 1");
  EXPECT_EQ(publisher.publish_root(changed, now).error().code, Errc::untrusted);
  EXPECT_TRUE(publisher.publish_root(whole, now));
  EXPECT_EQ(publisher.publish_root(whole, now).error().code, Errc::invalid) << "once only";
  EXPECT_EQ(add_signatures("{}", {first}).error().code, Errc::corrupt);
}

TEST_F(ReleaseTest, ANewKeyOfTargetsMustBeAtHand) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  const auto keys = KeyFolder::open(publisher.keys_path()).value();
  ASSERT_TRUE(keys.generate("targets-2"));
  fs::remove(publisher.keys_path() + "/targets-2.pem");
  RootChange change;
  change.add = {{"targets", "targets-2"}};
  change.remove = {{"targets", "targets"}};
  EXPECT_EQ(next_root(publisher, change, clock_2026.now()).error().code, Errc::untrusted);
  EXPECT_TRUE(verify()) << "nothing changed";
}

TEST_F(ReleaseTest, AnotherTrustedRootBelievesNothing) {
  const auto publisher = init();
  ASSERT_TRUE(publisher.add_release(release(new_name)));
  ASSERT_TRUE(publisher.publish(clock_2026.now()));
  InitOptions options;
  options.settings.product = "CUBE";
  const std::string other = scratch_.path() + "/other";
  ASSERT_TRUE(Publisher::init(other, options, clock_2026.now()));
  const VerifyOptions trust{other + "/metadata/1.root.json", true};
  EXPECT_EQ(verify_repository(repository(), trust, clock_2026).error().code, Errc::untrusted);
}

}  // namespace
}  // namespace cube
