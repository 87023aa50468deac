// cube-update verify and --accept-stale, the real program on an appliance laid out in a folder.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/cli/exit_code.h"
#include "tests/support/folder_appliance.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Ran = FolderAppliance::Ran;

class Verify : public testing::Test {
 protected:
  [[nodiscard]] Ran verify(const std::vector<std::string>& more = {}) const {
    std::vector<std::string> command = {"verify"};
    command.insert(command.end(), more.begin(), more.end());
    return appliance_.run(command);
  }
  void expect_says(const Ran& ran, int code, const std::vector<std::string>& words) const {
    EXPECT_EQ(ran.exit_code, code) << ran.output;
    for (const auto& word : words)
      EXPECT_NE(ran.output.find(word), std::string::npos) << word << "\n" << ran.output;
  }
  [[nodiscard]] std::string metadata(const std::string& name) const {
    return appliance_.repository() + "/metadata/" + name;
  }
  [[nodiscard]] std::string manifest(const std::string& release) const {
    const fs::path folder = appliance_.repository() + "/targets/releases/" + release;
    for (const auto& entry : fs::directory_iterator(folder))
      if (entry.path().extension() == ".json") return entry.path();
    return "";
  }

  FolderAppliance appliance_;
};

TEST_F(Verify, ARepositorySaysWhoSignedWhatAndWhatThisMachineMakesOfIt) {
  const auto state = appliance_.root() + "/var/lib/cube-update/tuf";
  const bool there = fs::exists(state);
  for (const auto& ran :
       {verify(), verify({appliance_.repository()}), verify({"file://" + appliance_.repository()})})
    expect_says(ran, exit_done,
                {"believed by the trusted root", "root, version 1, until 2030-01-01T00:00:00Z",
                 SigningKey("targets").id().substr(0, 16), FolderAppliance::newer,
                 "this machine would take it", FolderAppliance::older, "is running already"});
  EXPECT_EQ(fs::exists(state), there) << "verify left something behind";
}

TEST_F(Verify, AsJson) {
  const auto ran = verify({"--json"});
  ASSERT_EQ(ran.exit_code, exit_done) << ran.output;
  const auto result = Json::parse(ran.output.substr(0, ran.output.find('\n')));
  ASSERT_TRUE(result) << ran.output;
  const auto documents = result->member("documents")->array().value();
  ASSERT_EQ(documents.size(), 4u);
  EXPECT_EQ(documents[1].string_at("role").value(), "timestamp");
  EXPECT_EQ(documents[1].string_at("expires").value(), "2030-01-01T00:00:00Z");
  const auto releases = result->member("releases")->array().value();
  ASSERT_EQ(releases.size(), 2u);
  EXPECT_FALSE(releases[0].member("admissible")->boolean().value());
  EXPECT_TRUE(releases[1].member("admissible")->boolean().value());
  EXPECT_EQ(releases[1].string_at("name").value(), FolderAppliance::newer);
}

TEST_F(Verify, ADeniedReleaseAndOneOfAnotherProduct) {
  appliance_.offer("TUBE_2.2.5_20220501-1200_bbbb2222", 0);
  appliance_.signer().publish_again();
  ASSERT_EQ(appliance_.run({"deny", FolderAppliance::newer}).exit_code, 0);
  expect_says(verify(), exit_done, {"is for product TUBE", "was denied on this machine"});
}

TEST_F(Verify, ARepositoryThatIsNotBelieved) {
  appliance_.signer().role("targets").signers = {SigningKey("thief")};
  appliance_.signer().publish_again();
  expect_says(verify(), exit_untrusted, {"cube-update: ", "targets.json: signed by 0 of the 1"});
  expect_says(verify({"file:///nowhere"}), exit_unreachable, {"/nowhere"});
}

TEST_F(Verify, ADocumentByItself) {
  expect_says(verify({metadata("timestamp.json")}), exit_done,
              {"timestamp, version 1", "vouches for it"});
  expect_says(verify({appliance_.root() + "/usr/share/cube-update/root.json"}), exit_done,
              {"root, version 1", "vouches for it"});
  appliance_.signer().role("snapshot").signers = {SigningKey("thief")};
  appliance_.signer().publish();
  expect_says(verify({metadata("1.snapshot.json")}), exit_untrusted,
              {"signed by 0 (1 needed)", "1.snapshot.json: signed by 0 of the 1"});
  put(metadata("cut.json"), get(metadata("timestamp.json")).substr(0, 100));
  expect_says(verify({metadata("cut.json")}), exit_untrusted, {"cut.json: no document"});
}

TEST_F(Verify, AManifestCountsWhenARepositoryListsIt) {
  const auto good = manifest(FolderAppliance::newer);
  expect_says(verify({good}), exit_done, {"as repository", "this machine would take it"});
  expect_says(verify({manifest(FolderAppliance::older)}), exit_done, {"is running already"});
  const auto altered = appliance_.repository() + "/altered.json";
  put(altered, get(good) + "\n");
  expect_says(verify({altered}), exit_untrusted, {"altered.json: is not the manifest of"});
  put(altered, "{\"format\": 1}");
  expect_says(verify({altered}), exit_untrusted, {"altered.json: manifest"});
  appliance_.write_config("");
  expect_says(verify({good}), exit_untrusted, {"only a repository can vouch for"});
  expect_says(verify({good, "--from", appliance_.repository()}), exit_done, {"as repository"});
}

TEST_F(Verify, WithoutATrustedRootNothingIsBelieved) {
  fs::remove(appliance_.root() + "/usr/share/cube-update/root.json");
  expect_says(verify(), exit_untrusted, {"root.json"});
  expect_says(verify({metadata("timestamp.json")}), exit_untrusted, {"trusted root"});
  expect_says(verify({manifest(FolderAppliance::newer)}), exit_untrusted, {"trusted root"});
}

// --- --accept-stale ------------------------------------------------------------------------------

TEST_F(Verify, WhatHasExpiredIsTakenOnlyWhenAnOperatorSaysSo) {
  for (const char* role : {"timestamp", "snapshot", "targets"})
    appliance_.signer().role(role).expires = "2022-01-01T00:00:00Z";
  appliance_.signer().publish_again();
  expect_says(appliance_.run({"check"}), exit_untrusted,
              {"timestamp.json: expired", "--accept-stale"});
  expect_says(verify(), exit_untrusted, {"timestamp.json: expired"});
  expect_says(appliance_.apply(), exit_untrusted, {"timestamp.json: expired"});
  const std::vector<std::string> told = {
      "expired, and accepted by an operator: timestamp.json: expired at 2022-01-01T00:00:00Z",
      "snapshot.json: expired", "targets.json: expired"};
  expect_says(verify({"--accept-stale"}), exit_done, told);
  expect_says(appliance_.run({"check", "--accept-stale"}), exit_done, told);
  auto logged = told;
  logged.push_back("user 0: expired");
  expect_says(appliance_.run({"apply", "--no-reboot", "--accept-stale"}), exit_reboot_needed,
              logged);
  EXPECT_EQ(appliance_.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(appliance_.commit().exit_code, 0);
  EXPECT_EQ(appliance_.status_text("fallback"), "b");
}

TEST_F(Verify, AnExpiredRepositoryOfAThiefIsNotTaken) {
  auto& timestamp = appliance_.signer().role("timestamp");
  timestamp.expires = "2022-01-01T00:00:00Z";
  timestamp.signers = {SigningKey("thief")};
  appliance_.signer().publish_again();
  expect_says(appliance_.run({"apply", "--no-reboot", "--accept-stale"}), exit_untrusted,
              {"timestamp.json: signed by 0 of the 1"});
}

}  // namespace
}  // namespace cube
