#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

#include "agent/health/local_health_gate.h"
#include "agent/power/system_rebooter.h"
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
    return LocalHealthGate(root_, {timeout, {}}).check().value();
  }
  static const Check& find(const Verdict& verdict, const std::string& name) {
    return *std::find_if(verdict.checks.begin(), verdict.checks.end(),
                         [&](const Check& check) { return check.name == name; });
  }

  const std::string vendor_ = "usr/lib/cube-update/health/required.d/";
  const std::string local_ = "etc/cube-update/health/required.d/";
  ScratchDir dir_;
  RootDir root_ = dir_.root();
};

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

TEST_F(Health, ScratchRebooterOnlyNotes) {
  ScratchRebooter rebooter(root_);
  ASSERT_TRUE(rebooter.reboot());
  EXPECT_TRUE(root_.exists("run/cube-update/reboot-requested"));
}

}  // namespace
}  // namespace cube
