#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/config.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

class ConfigTest : public testing::Test {
 protected:
  void fragment(const std::string& base, const std::string& name, const std::string& text) {
    const std::string folder = base + "/cube-update/config.d";
    ASSERT_TRUE(root_.make_dirs(folder));
    std::ofstream(dir_.path() + "/" + folder + "/" + name) << text;
  }
  Error error() { return load_config(root_).error(); }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
};

TEST_F(ConfigTest, DefaultsWithoutAnyFile) {
  const auto loaded = load_config(root_).value();
  EXPECT_EQ(loaded.config.trial_tries, 3);
  EXPECT_TRUE(std::all_of(loaded.entries.begin(), loaded.entries.end(),
                          [](const auto& entry) { return entry.origin == "default"; }));
}

TEST_F(ConfigTest, LaterFoldersWinPerKeyWhateverTheName) {
  fragment("usr/lib", "90-vendor.toml", "product = \"CUBE\"\n[trial]\ntries = 5\ndeadline = 600\n");
  fragment("etc", "10-site.toml", "[trial]\ntries = 2\n");
  fragment("run", "00-now.toml", "[health]\nignore-units = [\"a.service\"]\n");
  const auto config = load_config(root_).value().config;
  EXPECT_EQ(config.product, "CUBE");
  EXPECT_EQ(config.trial_tries, 2);
  EXPECT_EQ(config.trial_deadline, 600);
  EXPECT_EQ(config.health_ignore_units, std::vector<std::string>{"a.service"});
}

TEST_F(ConfigTest, SameNameReplacesAndOthersAreIgnored) {
  fragment("usr/lib", "10-a.toml", "[trial]\ntries = 5\n");
  fragment("etc", "10-a.toml", "");
  fragment("etc", "README", "this is = not read");
  EXPECT_EQ(load_config(root_).value().config.trial_tries, 3);
}

TEST_F(ConfigTest, ARateOfZeroIsNoLimitAndPrioritiesHaveNames) {
  fragment("etc", "10-a.toml",
           "[source]\nmax-rate = 16\n[update]\ncpu-priority = \"idle\"\nio-priority = "
           "\"normal\"\n");
  fragment("run", "20-b.toml", "[source]\nmax-rate = 0\nstaging-max = 0\n");
  const auto loaded = load_config(dir_.root());
  ASSERT_TRUE(loaded) << loaded.error().what;
  EXPECT_EQ(loaded->config.source_max_rate, 0);
  EXPECT_EQ(loaded->config.source_staging_max, 0);
  EXPECT_EQ(loaded->config.update_cpu_priority, Priority::idle);
  EXPECT_EQ(loaded->config.update_io_priority, Priority::normal);
  EXPECT_TRUE(
      std::any_of(loaded->entries.begin(), loaded->entries.end(), [](const ConfigEntry& entry) {
        return entry.key == "update.cpu-priority" && entry.value.find("idle") == 1;
      }));
}

TEST_F(ConfigTest, LoadersHaveNames) {
  for (const std::string name : {"auto", "grub", "systemd-boot", "uefi", "u-boot"}) {
    fragment("etc", "10-a.toml", "[boot]\nloader = \"" + name + "\"\n");
    EXPECT_EQ(load_config(root_).value().config.boot_loader, name);
  }
  fragment("etc", "10-a.toml", "[boot]\nloader = \"efi\"\n");
  EXPECT_NE(error().what.find("\"uefi\""), std::string::npos) << error().what;
}

TEST_F(ConfigTest, TheWatchdogHasAPolicyAndATime) {
  EXPECT_EQ(load_config(root_).value().config.watchdog_policy, "if-present");
  fragment("etc", "10-a.toml", "[watchdog]\npolicy = \"required\"\nboot-seconds = 6553\n");
  const auto config = load_config(root_).value().config;
  EXPECT_EQ(config.watchdog_policy, "required");
  EXPECT_EQ(config.watchdog_boot_seconds, 6553);
}

TEST_F(ConfigTest, HealthAndHooks) {
  const auto defaults = load_config(root_).value().config;
  EXPECT_TRUE(defaults.health_boot_complete);
  EXPECT_EQ(defaults.health_retries, 5);
  EXPECT_EQ(defaults.hooks_migration_timeout, 300);
  fragment("etc", "10-a.toml",
           "[health]\nrequired-units = [\"ceph.target\", \"getty@tty1.service\"]\n"
           "wanted-units = [\"dev-disk-by\\\\x2dlabel.device\"]\nboot-complete = false\n"
           "retries = 0\nretry-interval = 600\n[hooks]\ntimeout = 1\nmigration-timeout = 86400\n"
           "[schedule]\nwarn-minutes = 0\n");
  const auto config = load_config(root_).value().config;
  EXPECT_EQ(config.health_required_units.size(), 2U);
  EXPECT_EQ(config.health_wanted_units.front(), "dev-disk-by\\x2dlabel.device");
  EXPECT_FALSE(config.health_boot_complete);
  EXPECT_EQ(config.health_retry_interval, 600);
  EXPECT_EQ(config.schedule_warn_minutes, 0);
}

TEST_F(ConfigTest, MistakesNameFileLineAndKey) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\n[trial]\ntrys = 3\n", "trial.trys"},
      {"\n\ntrial = 3\n", "trial"},
      {"\n[trial]\ntries = 10\n", "1 to 9"},
      {"\n[trial]\ntries = \"3\"\n", "1 to 9"},
      {"\n[trial]\ndeadline = 1.5\n", "10 to 86400"},
      {"\n[source]\nallow-http = 1\n", "true or false"},
      {"\n[watchdog]\npolicy = \"maybe\"\n", "\"off\", \"if-present\" or \"required\""},
      {"\n[watchdog]\nboot-seconds = 6554\n", "30 to 6553"},
      {"\n[source]\nurl = [\"x\"]\n", "text"},
      {"\n[source]\nmax-rate = 15\n", "0 or a whole number from 16"},
      {"\n[source]\nstaging-max = -1\n", "from 0"},
      {"\n[update]\ncpu-priority = \"high\"\n", "\"normal\", \"low\" or \"idle\""},
      {"\n[update]\nio-priority = 3\n", "\"normal\", \"low\" or \"idle\""},
      {"\n[health]\nignore-units = \"a\"\n", "list"},
      {"\n[health]\nrequired-units = [\"ceph\"]\n", "is no unit"},
      {"\n[health]\nwanted-units = [\"a b.service\"]\n", "is no unit"},
      {"\n[health]\nretries = 1001\n", "0 to 1000"},
      {"\n[hooks]\ntimeout = 0\n", "1 to 3600"},
      {"\n[schedule]\nwarn-minutes = 61\n", "0 to 60"},
      {"\n\nproduct = \n", ""},
  };
  for (const auto& [text, expected] : cases) {
    fragment("etc", "10-a.toml", text);
    const auto wrong = error();
    EXPECT_EQ(wrong.code, Errc::invalid) << text;
    EXPECT_NE(wrong.what.find("10-a.toml:3"), std::string::npos) << wrong.what;
    EXPECT_NE(wrong.what.find(expected), std::string::npos) << wrong.what;
  }
}

TEST_F(ConfigTest, NamesOfTablesThatTheParserDiesOn) {
  for (const std::string& header :
       std::vector<std::string>{"[\\x]", "[[\\x]]", "[ \u00e4 ]", "\t[#]", "[.a]", "[[ [a", "[",
                                "[ ", "[]", "[\v]", std::string("[\0]", 3), "[\u2028]"}) {
    fragment("etc", "10-a.toml", "product = \"CUBE\" # \u00e4\n\n" + header + "\na = 1\n");
    EXPECT_EQ(error().code, Errc::invalid) << header;
    EXPECT_NE(error().what.find("10-a.toml:3"), std::string::npos) << error().what;
    fragment("etc", "10-a.toml", "\xef\xbb\xbf" + header);
    EXPECT_EQ(error().code, Errc::invalid) << header;
  }
}

TEST_F(ConfigTest, SizeIsBounded) {
  fragment("etc", "10-a.toml", "product = \"" + std::string(70000, 'x') + "\"\n");
  EXPECT_EQ(error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
