// The real program on a machine without a BMC: what the policy demands, and what doctor says.
#include <gtest/gtest.h>

#include "agent/cli/exit_code.h"
#include "tests/support/folder_appliance.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

class WatchdogPolicyTest : public testing::Test {
 protected:
  void policy(const std::string& word) const {
    appliance_.write_config(appliance_.repository(), "[watchdog]\npolicy = \"" + word + "\"\n");
  }
  Json doctor(int code) const {
    const auto ran = appliance_.run({"doctor", "--json"});
    EXPECT_EQ(ran.exit_code, code) << ran.output;
    return Json::parse(ran.output.substr(0, ran.output.find('\n'))).value();
  }
  static std::string survived(const Json& told, const std::string& death) {
    const auto deaths = told.member("deaths").value().array().value();
    for (const auto& one : deaths)
      if (one.string_at("death").value() == death) return one.string_at("survived").value();
    return "";
  }

  FolderAppliance appliance_;
};

TEST_F(WatchdogPolicyTest, RequiredAndNotThereNothingIsDownloaded) {
  policy("required");
  const auto before = appliance_.tree("b");
  const auto ran = appliance_.apply();
  EXPECT_EQ(ran.exit_code, exit_cannot_arm);
  EXPECT_NE(ran.output.find("watchdog.policy"), std::string::npos) << ran.output;
  EXPECT_EQ(appliance_.tree("b"), before);
  EXPECT_EQ(appliance_.status_text("phase"), "idle");
  EXPECT_FALSE(appliance_.would_start().trial);
}

TEST_F(WatchdogPolicyTest, OtherwiseAnUpdateGoesItsWay) {
  for (const char* word : {"if-present", "off"}) {
    policy(word);
    EXPECT_EQ(appliance_.apply().exit_code, exit_reboot_needed) << word;
    EXPECT_EQ(appliance_.run({"rollback"}).exit_code, exit_done) << word;
    EXPECT_EQ(appliance_.run({"allow", FolderAppliance::newer}).exit_code, exit_done) << word;
  }
}

TEST_F(WatchdogPolicyTest, RequiredBetweenDownloadAndArmingNothingIsArmed) {
  ASSERT_EQ(appliance_.apply().exit_code, exit_reboot_needed);
  policy("required");
  const auto ran = appliance_.run({"apply"});
  EXPECT_EQ(ran.exit_code, exit_cannot_arm) << ran.output;
  EXPECT_EQ(appliance_.status_text("phase"), "armed") << "it was armed when nothing was required";
  EXPECT_FALSE(std::filesystem::exists(appliance_.root() + "/run/cube-update/reboot-requested"));
}

TEST_F(WatchdogPolicyTest, DoctorsExitCodeIsThatOfThePolicy) {
  const auto told = doctor(exit_done);
  EXPECT_EQ(survived(told, "early-hang"), "no");
  EXPECT_EQ(survived(told, "power-cut"), "yes");
  EXPECT_EQ(told.string_at("policy").value(), "if-present");
  policy("required");
  EXPECT_EQ(doctor(exit_refused).member("unmet").value().array().value().size(), 1U);
}

TEST_F(WatchdogPolicyTest, DoctorSeesDamagedRecords) {
  put(appliance_.root() + "/boot/efi/cube/env", "damaged");
  const auto told = doctor(exit_refused);
  EXPECT_EQ(survived(told, "power-cut"), "no");
  EXPECT_NE(told.string_at("boot_records").value(), "ok");
}

TEST_F(WatchdogPolicyTest, DoctorSpeaksToPeopleToo) {
  put(appliance_.root() + "/sys/class/watchdog/watchdog0/identity", "\x1b[31mSoftware Watchdog\n");
  const auto ran = appliance_.run({"doctor"});
  EXPECT_EQ(ran.exit_code, exit_done);
  EXPECT_EQ(ran.output.find('\x1b'), std::string::npos);
  for (const char* words : {"the boot loader hangs", "->", "watchdog0 (?[31mSoftware Watchdog, "})
    EXPECT_NE(ran.output.find(words), std::string::npos) << words << " in " << ran.output;
}

}  // namespace
}  // namespace cube
