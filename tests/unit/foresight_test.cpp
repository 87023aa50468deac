// LocalForesight: what becomes of the examinations on a scratch machine with two folders as slots.
#include <gtest/gtest.h>

#include "agent/foresight/findings_file.h"
#include "agent/foresight/local_foresight.h"
#include "model/journal.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

using insight::Finding;
using insight::Findings;
using insight::Grade;

class LookAhead : public testing::Test {
 protected:
  LookAhead() : root_(RootDir::open(scratch_.path()).value()) {
    EXPECT_TRUE(root_.make_dirs("slots/b/usr/lib/cube-update"));
    EXPECT_TRUE(root_.make_dirs("usr/lib/cube-update"));
    ports_.look_into = [this](SlotId slot) {
      return MountedSlot::open(root_, slot, {true, "slots/b"}, false, Access::read);
    };
  }
  void examine(const std::string& name, std::function<Result<Findings>(const Prospect&)> look) {
    ports_.examinations.push_back({name, std::move(look)});
  }
  Result<Findings> look_ahead(const ProgressSink& progress = [](const Progress&) {}) {
    return LocalForesight(root_, "findings", ports_).look_ahead(SlotId::b, Release{}, progress);
  }

  ScratchDir scratch_;
  RootDir root_;
  ForesightPorts ports_;
};

TEST_F(LookAhead, SaysWhichReleaseHasNoInventory) {
  insight::Inventory inventory;
  inventory.kernel = "6.1.0";
  put(scratch_.path() + "/slots/b/" + insight::inventory_path, insight::inventory_text(inventory));
  std::string kernel;
  examine("x", [&](const Prospect& prospect) -> Result<Findings> {
    kernel = prospect.inventory->kernel;
    EXPECT_FALSE(prospect.running);
    return Findings{{"x", "disk", Grade::refusal, "no", "", ""}};
  });
  const auto findings = look_ahead().value();
  EXPECT_EQ(kernel, "6.1.0");
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_EQ(findings[0].id(), "x:disk") << "the worst first";
  EXPECT_EQ(findings[1].id(), "inventory:running");
  EXPECT_EQ(findings[1].grade, Grade::unknown);
}

TEST_F(LookAhead, WhatFailsIsUnknownAndTheOthersGoOn) {
  examine("broken", [](const Prospect&) -> Result<Findings> {
    return Error{Errc::corrupt, "sys/bus: it is no folder"};
  });
  examine("whole", [](const Prospect&) -> Result<Findings> {
    return Findings{{"whole", "", Grade::good, "fits", "", ""}};
  });
  put(scratch_.path() + "/slots/b/" + insight::inventory_path, "{");
  const auto findings = look_ahead().value();
  ASSERT_EQ(findings.size(), 4U);
  EXPECT_NE(findings[0].what.find("that can be read"), std::string::npos);
  EXPECT_EQ(findings[2].check, "broken");
  EXPECT_EQ(findings[2].what, "sys/bus: it is no folder");
  EXPECT_EQ(findings[3].check, "whole");
}

TEST_F(LookAhead, EndsWhenItIsStopped) {
  examine("stopped", [](const Prospect&) -> Result<Findings> {
    return Error{Errc::cancelled, "stopped"};
  });
  EXPECT_EQ(look_ahead().error().code, Errc::cancelled);
}

TEST_F(LookAhead, WaiversThatCannotBeReadLetNothingThrough) {
  examine("x", [](const Prospect&) -> Result<Findings> {
    return Findings{{"x", "disk", Grade::refusal, "no", "", ""}};
  });
  ports_.waive = [](Findings& findings, const Prospect&) -> Status {
    findings[0].waiver = "half";
    return Error{Errc::corrupt, "waivers.json: it is cut off"};
  };
  const auto findings = look_ahead().value();
  EXPECT_TRUE(any_refuses(findings));
  EXPECT_EQ(findings.back().check, "waivers");
}

TEST_F(LookAhead, KeepsWhatWasFoundAsLongAsTheHistory) {
  const Findings findings{{"x", "disk", Grade::refusal, "no", "do", "w"}};
  ASSERT_TRUE(LocalForesight(root_, "findings", ports_).keep(3, findings));
  EXPECT_EQ(load_findings(root_, "findings", 3).value(), findings);
  EXPECT_FALSE(load_findings(root_, "findings", 4).value());
  ASSERT_TRUE(LocalForesight(root_, "findings", ports_).keep(3 + max_history, {}));
  EXPECT_FALSE(load_findings(root_, "findings", 3).value()) << "the oldest goes";
  put(scratch_.path() + "/findings/5.json", "[{}]");
  EXPECT_EQ(load_findings(root_, "findings", 5).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
