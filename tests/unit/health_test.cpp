#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "agent/health/local_health_gate.h"
#include "agent/health/unit_checks.h"
#include "agent/health/verdict_file.h"
#include "agent/power/system_rebooter.h"
#include "model/journal.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

class Health : public testing::Test {
 protected:
  void script(const std::string& path, const std::string& text, mode_t mode = 0755) {
    const auto slash = path.find_last_of('/');
    ASSERT_TRUE(root_.make_dirs(path.substr(0, slash)));
    std::ofstream(dir_.path() + "/" + path) << text;
    ASSERT_EQ(::chmod((dir_.path() + "/" + path).c_str(), mode), 0);
  }
  Verdict verdict(std::chrono::seconds timeout = std::chrono::seconds(20)) {
    config_.timeout = timeout;
    return verdict(HealthQuestion{});
  }
  Verdict verdict(const HealthQuestion& question) {
    return LocalHealthGate(root_, config_, "verdicts").check(question).value();
  }
  static const Check& find(const Verdict& verdict, const std::string& name) {
    return *std::find_if(verdict.checks.begin(), verdict.checks.end(),
                         [&](const Check& check) { return check.name == name; });
  }

  const std::string vendor_ = "usr/lib/cube-update/health/required.d/";
  const std::string local_ = "etc/cube-update/health/required.d/";
  static HealthConfig config() {
    HealthConfig config;
    config.retries = 0;
    config.retry_interval = std::chrono::seconds(1);
    return config;
  }
  // Fails as often as said, and then no more.
  void flapping(const std::string& path, int failures) {
    script(path, "#!/bin/sh\nf=" + dir_.path() + "/count; echo >>$f; [ $(wc -l <$f) -gt " +
                     std::to_string(failures) + " ]\n");
  }

  HealthConfig config_ = config();
  ScratchDir dir_;
  RootDir root_ = dir_.root();
};

TEST_F(Health, WhatFailsMayPassLaterAndIsNotAskedForEver) {
  flapping(vendor_ + "10-slow", 2);
  script(vendor_ + "20-once", "#!/bin/sh\necho >>" + dir_.path() + "/others\n");
  EXPECT_FALSE(verdict().passed);
  config_.retries = 2;
  const auto later = verdict();
  EXPECT_TRUE(later.passed);
  EXPECT_EQ(find(later, "10-slow").tries, 2) << "it had been asked once before";
  EXPECT_EQ(find(later, "20-once").tries, 1) << "what passed is not asked again";
  std::filesystem::remove(dir_.path() + "/count");
  HealthQuestion question;
  question.most_retries = 1;
  EXPECT_FALSE(verdict(question).passed);
  std::filesystem::remove(dir_.path() + "/count");
  question = {};
  question.within = 1;
  config_.retry_interval = std::chrono::seconds(5);
  EXPECT_FALSE(verdict(question).passed) << "the trial has no time for another round";
}

TEST_F(Health, ACheckHasNoMoreTimeThanTheTrial) {
  script(vendor_ + "10-hangs", "#!/bin/sh\nsleep 60\n");
  HealthQuestion question;
  question.within = 2;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(verdict(question).passed);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
  question.within = 0;
  EXPECT_EQ(find(verdict(question), "10-hangs").detail, "no time was left for it");
}

TEST_F(Health, WantedChecksAreToldAndDecideNothing) {
  script("usr/lib/cube-update/health/wanted.d/10-clock", "#!/bin/sh\necho 'not in sync'; exit 1\n");
  script(vendor_ + "10-good", "#!/bin/sh\nexit 0\n");
  const auto result = verdict();
  EXPECT_TRUE(result.passed);
  EXPECT_FALSE(find(result, "10-clock").passed);
  EXPECT_EQ(verdict_text(result), "10-clock: not in sync (only wanted)");
}

TEST_F(Health, WhatFailedBeforeIsToldAndNotBlamed) {
  script(vendor_ + "10-old", "#!/bin/sh\nexit 1\n");
  HealthQuestion question;
  question.failed_before = {"10-old"};
  const auto result = verdict(question);
  EXPECT_TRUE(result.passed);
  EXPECT_TRUE(find(result, "10-old").failed_before);
  script(vendor_ + "20-new", "#!/bin/sh\nexit 1\n");
  EXPECT_FALSE(verdict(question).passed);
}

TEST_F(Health, WhoStopsItGetsNoVerdictThatPassed) {
  script(vendor_ + "10-good", "#!/bin/sh\nexit 0\n");
  HealthQuestion question;
  question.meanwhile = [] { return false; };
  EXPECT_FALSE(verdict(question).passed);
}

TEST_F(Health, VerdictsAreKeptAsLongAsTheHistory) {
  script(vendor_ + "10-sick", "#!/bin/sh\necho sick; exit 1\n");
  const auto result = verdict();
  LocalHealthGate gate(root_, config_, "verdicts");
  for (std::uint64_t attempt = 1; attempt <= max_history + 1; ++attempt)
    ASSERT_TRUE(gate.keep(attempt, result));
  EXPECT_FALSE(load_verdict(root_, "verdicts", 1).value()) << "older than the history";
  const auto kept = load_verdict(root_, "verdicts", 2).value();
  ASSERT_TRUE(kept);
  EXPECT_FALSE(kept->passed);
  EXPECT_EQ(verdict_text(*kept), "10-sick: sick");
  std::ofstream(dir_.path() + "/verdicts/3.json") << "{";
  EXPECT_EQ(load_verdict(root_, "verdicts", 3).error().code, Errc::corrupt);
}

TEST_F(Health, NoChecksPass) { EXPECT_TRUE(verdict().passed); }

TEST_F(Health, OneFailureFailsAndSaysWhy) {
  script(vendor_ + "10-good", "#!/bin/sh\nexit 0\n");
  script(vendor_ + "20-sick", "#!/bin/sh\necho starting\necho 'ceph is\tdown'\nexit 3\n");
  const auto result = verdict();
  EXPECT_FALSE(result.passed);
  EXPECT_TRUE(find(result, "10-good").passed);
  EXPECT_EQ(find(result, "20-sick").detail, "ceph is?down");
}

TEST_F(Health, LocalReplacesAndMasks) {
  script(vendor_ + "10-a", "#!/bin/sh\nexit 1\n");
  script(vendor_ + "20-b", "#!/bin/sh\nexit 1\n");
  script(local_ + "10-a", "#!/bin/sh\nexit 0\n");
  script(local_ + "20-b", "");
  EXPECT_TRUE(verdict().passed);
}

TEST_F(Health, FailsClosedOnUnusableChecks) {
  for (const mode_t mode : {0644U, 0757U, 0775U}) {
    script(vendor_ + "10-a", "#!/bin/sh\nexit 0\n", mode);
    EXPECT_FALSE(verdict().passed) << std::oct << mode;
  }
  script(vendor_ + "10-a", "#!/nonexistent/interpreter\n");
  EXPECT_FALSE(verdict().passed);
}

TEST_F(Health, HangingCheckIsCutOff) {
  script(vendor_ + "10-hangs", "#!/bin/sh\nsleep 60\n");
  const auto result = verdict(std::chrono::seconds(1));
  EXPECT_FALSE(result.passed);
  EXPECT_NE(find(result, "10-hangs").detail.find("within 1 s"), std::string::npos);
}

TEST_F(Health, FloodOfOutputIsBounded) {
  script(vendor_ + "10-loud", "#!/bin/sh\nhead -c 3000000 /dev/zero | tr '\\0' x\nexit 1\n");
  EXPECT_LE(find(verdict(), "10-loud").detail.size(), 120U);
}

TEST_F(Health, UnitsThatFailedOrAreNotActiveAreChecksThatFailed) {
  HealthConfig config;
  const auto well = judge_units(config, {}, {{"boot-complete.target", "active"}}, {});
  ASSERT_EQ(well.size(), 1U);
  EXPECT_TRUE(well[0].passed);
  config.ignore_units = {"old.service"};
  config.required_units = {"ceph.target", "db.service"};
  config.wanted_units = {"chronyd.service", "motd.service"};
  const auto checks = judge_units(
      config, {"old.service", "new.service", "chronyd.service", "db.service"},
      {{"ceph.target", "activating"}, {"db.service", "failed"}, {"boot-complete.target", "inactive"}},
      {{"chronyd.service", "failed"}, {"motd.service", "inactive"}});
  std::vector<std::string> told;
  for (const auto& check : checks)
    told.push_back(check.name + " " + check.detail + (check.required ? "" : " (wanted)"));
  EXPECT_EQ(told, (std::vector<std::string>{
                      "new.service has failed", "chronyd.service has failed (wanted)",
                      "db.service has failed", "ceph.target is activating",
                      "boot-complete.target is inactive", "motd.service is inactive (wanted)"}));
  EXPECT_EQ(units_to_be_active(config).back(), "boot-complete.target");
  config.boot_complete = false;
  EXPECT_EQ(units_to_be_active(config), config.required_units);
}

TEST_F(Health, ScratchRebooterOnlyNotes) {
  ScratchRebooter rebooter(root_);
  ASSERT_TRUE(rebooter.reboot());
  EXPECT_TRUE(root_.exists("run/cube-update/reboot-requested"));
}

}  // namespace
}  // namespace cube
