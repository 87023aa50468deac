// Hooks: which count, in which order, and what they get to see.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "agent/hooks/local_update_hooks.h"
#include "agent/hooks/run_hook.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;

const std::string release_folder = "usr/lib/cube-update/", site_folder = "etc/cube-update/";

class HooksTest : public testing::Test {
 protected:
  void hook(const std::string& path, const std::string& lines, mode_t mode = 0755) const {
    put(dir_.path() + "/" + path, "#!/bin/sh\n" + lines + "\n");
    ASSERT_EQ(::chmod((dir_.path() + "/" + path).c_str(), mode), 0);
  }
  std::vector<std::string> names(const std::string& occasion = "green.d") const {
    std::vector<std::string> all;
    const auto hooks = hooks_in(root_, occasion).value();
    for (const auto& found : hooks) all.push_back(found.name + (found.defect.empty() ? "" : "!"));
    return all;
  }
  std::string said(const std::string& file) const { return get(dir_.path() + "/" + file); }
  LocalUpdateHooks hooks(HooksConfig config = {}) const {
    fs::create_directories(dir_.path() + "/old");
    return LocalUpdateHooks(root_, config, [this](SlotId slot) {
      return MountedSlot::open(root_, slot, {true, "old"}, false, Access::read);
    });
  }
  static Update update() {
    Update update;
    update.attempt = 7;
    update.release.name = ReleaseName::parse("CUBE_2.0.0_20260101-0000_abcd1234").value();
    update.from_release = "CUBE_1.0.0_20250101-0000_abcd1234";
    update.target = SlotId::b;
    return update;
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
};

TEST_F(HooksTest, BothFoldersInOrderOfNameAndTheSiteReplacesAndMasks) {
  EXPECT_EQ(names(), std::vector<std::string>());
  hook(release_folder + "green.d/20-b", "");
  hook(release_folder + "green.d/30-c", "");
  hook(release_folder + "green.d/40-d", "");
  hook(site_folder + "green.d/10-a", "");
  hook(site_folder + "green.d/20-b", "exit 1");
  put(dir_.path() + "/" + site_folder + "green.d/30-c", "");
  fs::create_symlink("/dev/null", dir_.path() + "/" + site_folder + "green.d/40-d");
  fs::create_symlink("/nowhere", dir_.path() + "/" + site_folder + "green.d/50-e");
  EXPECT_EQ(names(), (std::vector<std::string>{"10-a", "20-b", "50-e!"}));
  EXPECT_EQ(hooks_in(root_, "green.d")->at(1).path, site_folder + "green.d/20-b");
}

TEST_F(HooksTest, WhatEditorsAndPackagesLeaveIsPassedOver) {
  for (const std::string name : {".10-a.swp", "10-a~", "10-a.bak", "10-a.dpkg-old", "10-a.rpmsave"})
    hook(site_folder + "green.d/" + name, "exit 1");
  EXPECT_EQ(names(), std::vector<std::string>());
}

TEST_F(HooksTest, WhatMustNotRunStaysInTheListAndHasFailed) {
  const std::string path = site_folder + "green.d/10-a";
  for (const mode_t mode : {0644U, 0757U, 0775U}) {
    hook(path, "", mode);
    EXPECT_EQ(names(), (std::vector<std::string>{"10-a!"})) << std::oct << mode;
    EXPECT_FALSE(run_hook(root_, hooks_in(root_, "green.d")->front(), seconds(9), {}).passed);
  }
  hook(path, "", 0755);
  EXPECT_EQ(names(), (std::vector<std::string>{"10-a"}));
  const std::string folder = dir_.path() + "/" + site_folder + "green.d";
  ASSERT_EQ(::chmod(folder.c_str(), 0777), 0);
  EXPECT_EQ(names(), (std::vector<std::string>{"10-a!"})) << "who may write the folder";
  ASSERT_EQ(::chmod(folder.c_str(), 0755), 0);
  if (::geteuid() == 0) {
    ASSERT_EQ(::chown((dir_.path() + "/" + path).c_str(), 1, 1), 0);
    EXPECT_EQ(names(), (std::vector<std::string>{"10-a!"})) << "not root's";
    ASSERT_EQ(::chown((dir_.path() + "/" + path).c_str(), 0, 0), 0);
  }
  hook(site_folder + "green.d/a name", "");
  fs::create_directories(folder + "/b");
  EXPECT_EQ(names(), (std::vector<std::string>{"10-a", "a name!", "b!"}));
}

TEST_F(HooksTest, AFolderOfTooManyIsRefused) {
  for (std::size_t i = 0; i <= max_hooks; ++i)
    hook(site_folder + "green.d/" + std::to_string(i), "");
  EXPECT_EQ(hooks_in(root_, "green.d").error().code, Errc::corrupt);
}

TEST_F(HooksTest, OutputAndTimeAreBoundedAndSafe) {
  hook(site_folder + "green.d/1", "printf 'first\\n\\033[31mred\\t\\n  \\n'; exit 3");
  hook(site_folder + "green.d/2", "sleep 60");
  hook(site_folder + "green.d/3", "head -c 3000000 /dev/zero | tr '\\0' x; exit 1");
  hook(site_folder + "green.d/4", "exit 4");
  const auto runs = run_hooks(root_, "green.d", seconds(1), seconds(60), {}).value();
  ASSERT_EQ(runs.size(), 4U);
  EXPECT_EQ(runs[0].detail, "?[31mred?");
  EXPECT_EQ(runs[1].detail, "no answer within 1 s");
  EXPECT_EQ(runs[2].detail.size(), max_hook_detail);
  EXPECT_EQ(runs[3].detail, "exit code 4");
  const auto late = run_hooks(root_, "green.d", seconds(9), seconds(0), {}).value();
  for (const auto& run : late) EXPECT_FALSE(run.passed);
  EXPECT_EQ(late[3].detail, "no time was left for it");
}

TEST_F(HooksTest, TheEnvironmentIsWhatIsDocumentedAndNoMore) {
  hook(site_folder + "green.d/1", "env | sort >" + dir_.path() + "/seen");
  Attempt attempt;
  attempt.number = 7;
  attempt.release = "R2";
  attempt.from_release = "R1";
  attempt.target = SlotId::b;
  attempt.outcome = Outcome::committed;
  ASSERT_TRUE(hooks().after(attempt, false));
  std::string seen = said("seen");
  for (const std::string line :
       {"CUBE_ATTEMPT=7", "CUBE_CAUSE=none", "CUBE_FROM_RELEASE=R1", "CUBE_ON_TRIAL=0",
        "CUBE_OUTCOME=committed", "CUBE_REHEARSAL=none", "CUBE_RELEASE=R2", "CUBE_TARGET_SLOT=b",
        "LC_ALL=C", "PATH=/usr/sbin:/usr/bin:/sbin:/bin"}) {
    const auto at = seen.find(line + "\n");
    ASSERT_NE(at, std::string::npos) << line << " in " << seen;
    seen.erase(at, line.size() + 1);
  }
  EXPECT_TRUE(seen.empty() || seen.starts_with("PWD=")) << seen;
}

TEST_F(HooksTest, GreenAfterACommitRedAfterAnythingElseAndFailuresAreOnlyTold) {
  for (const std::string colour : {"green", "red"})
    hook(release_folder + colour + ".d/1", "echo >>" + dir_.path() + "/" + colour + "; exit 1");
  Attempt attempt;
  attempt.outcome = Outcome::committed;
  EXPECT_EQ(hooks().after(attempt, false).error().code, Errc::refused);
  EXPECT_EQ(said("green") + said("red"), "\n");
  attempt.outcome = Outcome::rolled_back;
  EXPECT_NE(hooks().after(attempt, true).error().what.find("red.d/1"), std::string::npos);
  EXPECT_EQ(said("red"), "\n");
}

TEST_F(HooksTest, AllHooksBeforeTheRestartAreAskedAndTheRefusalNamesWho) {
  hook(site_folder + "pre-reboot.d/10-drain", "echo 'VMs are still moving'; exit 1");
  hook(site_folder + "pre-reboot.d/20-tell", "echo >" + dir_.path() + "/told");
  const auto status = hooks().before_restart(update());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::refused);
  EXPECT_EQ(status.error().what, "pre-reboot.d/10-drain: VMs are still moving");
  EXPECT_EQ(said("told"), "\n");
  hook(site_folder + "pre-reboot.d/10-drain", "exit 0");
  EXPECT_TRUE(hooks().before_restart(update()));
}

TEST_F(HooksTest, MigrationsGoInOrderAndSeeTheOldSlot) {
  EXPECT_EQ(hooks().next_migration("").value(), "");
  hook(release_folder + "migrate.d/10-db", "cat $CUBE_OLD_SLOT/var/state >" + dir_.path() +
                                               "/seen; echo $CUBE_RETURNING >>" + dir_.path() +
                                               "/seen");
  hook(release_folder + "migrate.d/20-net", "echo 'no bridge'; exit 1");
  put(dir_.path() + "/old/var/state", "of the old slot\n");
  EXPECT_EQ(hooks().next_migration("").value(), "10-db");
  EXPECT_EQ(hooks().next_migration("10-db").value(), "20-net");
  EXPECT_EQ(hooks().next_migration("20-net").value(), "");
  ASSERT_TRUE(hooks().migrate("10-db", update(), 60));
  EXPECT_EQ(said("seen"), "of the old slot\n0\n");
  EXPECT_EQ(hooks().migrate("20-net", update(), 60).error().what, "migrate.d/20-net: no bridge");
  EXPECT_EQ(hooks().migrate("30-gone", update(), 60).error().code, Errc::refused);
  EXPECT_FALSE(hooks().migrate("10-db", update(), 0)) << "the trial has no time left";
}

TEST_F(HooksTest, AMigrationHasItsOwnTimeWithinThatOfTheTrial) {
  hook(release_folder + "migrate.d/1", "sleep 30");
  HooksConfig config;
  config.migration_timeout = seconds(1);
  EXPECT_NE(hooks(config).migrate("1", update(), 60).error().what.find("within 1 s"),
            std::string::npos);
  EXPECT_NE(hooks().migrate("1", update(), 2).error().what.find("within 2 s"), std::string::npos);
}

}  // namespace
}  // namespace cube
