// Arguments of a kernel against a release, and the slot that runs as the way back.
#include "insight/fit/argument_fit.h"

#include <gtest/gtest.h>

#include "insight/fit/fallback_fit.h"

namespace cube::insight {
namespace {

Inventory staged_release() {
  Inventory made;
  made.kernel = "6.1.0";
  made.initramfs = "boot/initrd.img";
  made.built_in = {"sd_mod"};
  made.modules = {{"ext4", "kernel/ext4.ko"}, {"kvm", "kernel/kvm.ko"}};
  made.initramfs_modules = {"ext4"};
  return made;
}

// As a Debian 12 and an Enterprise Linux 9 machine are started.
constexpr const char* usual =
    "BOOT_IMAGE=/boot/vmlinuz root=LABEL=cube-a ro console=tty0 console=ttyS0,115200n8 quiet "
    "crashkernel=1G-4G:192M,4G-64G:256M net.ifnames=0 systemd.unit=multi-user.target kvm.nx=1 "
    "rd.shell=0 plymouth.enable=0 cube.slot=a cube.canary=0123456789abcdef printk.time=1 "
    "mitigations=auto \"dyndbg=file a.c +p\" -- emergency.mode=1";

ArgumentFacts facts_with(const std::string& line) {
  ArgumentFacts facts;
  facts.line = line;
  facts.running_modules = {"ext4", "kvm", "megaraid_sas", "xfs"};
  facts.filesystem = "ext4";
  facts.layers = Names{};
  facts.programs = Names{"udevadm", "lvm"};
  return facts;
}

std::string told(const Findings& findings) {
  std::string text;
  for (const auto& one : findings) text += std::string(word_for(one.grade)) + " " + one.id() + "\n";
  return text;
}

TEST(Arguments, AreReadAsTheKernelReadsThem) {
  using All = std::vector<Argument>;
  EXPECT_EQ(parse_arguments(" a  b=c \"d=e f\" g=\"h i\"\n"),
            (All{{"a", ""}, {"b", "c"}, {"d", "e f"}, {"g", "h i"}}));
  EXPECT_EQ(parse_arguments("a -- b"), (All{{"a", ""}})) << "the rest is for init";
  EXPECT_EQ(parse_arguments("a=\"b"), (All{{"a", "b"}}));
  EXPECT_EQ(parse_arguments(""), All{});
}

TEST(ArgumentFit, WhatIsUsualFits) {
  EXPECT_EQ(told(argument_findings(facts_with(usual), staged_release())),
            "good kernel-argument:all\n");
}

TEST(ArgumentFit, WhatAnArgumentNamesMustBeThere) {
  struct Case {
    const char* line;
    const char* found;
  };
  const Case cases[] = {
      {"rootfstype=ext4", "good kernel-argument:all\n"},
      {"rootfstype=xfs,ext4", "good kernel-argument:all\n"},
      {"rootfstype=xfs", "refusal kernel-argument:rootfstype\n"},
      {"megaraid_sas.msix_disable=1", "warning kernel-argument:megaraid_sas\n"},
      {"megaraid-sas.msix_disable=1", "warning kernel-argument:megaraid_sas\n"},
      {"never_heard_of.it=1", "good kernel-argument:all\n"},
      {"rd.driver.pre=megaraid_sas,ext4", "warning kernel-argument:megaraid_sas\n"},
      {"rd.lvm.lv=vg/root", "good kernel-argument:all\n"},
      {"rd.luks.uuid=0", "good kernel-argument:all\n"},
      {"rd.luks.uuid=luks-1234", "warning kernel-argument:rd.luks\n"},
      {"rd.md.uuid=12:34", "warning kernel-argument:rd.md\n"},
  };
  for (const auto& one : cases)
    EXPECT_EQ(told(argument_findings(facts_with(one.line), staged_release())), one.found)
        << one.line;
}

TEST(ArgumentFit, TheRootsOwnLayersNeedTheirPrograms) {
  auto facts = facts_with("root=LABEL=cube-b");
  facts.layers = Names{"lvm", "raid"};
  EXPECT_EQ(told(argument_findings(facts, staged_release())), "refusal kernel-argument:rd.md\n")
      << "lvm is there, mdadm is not";
  facts.programs = std::nullopt;
  EXPECT_EQ(told(argument_findings(facts, staged_release())),
            "unknown kernel-argument:rd.lvm\nunknown kernel-argument:rd.md\n");
  facts = facts_with("rd.luks.uuid=luks-1234");
  facts.layers = std::nullopt;
  EXPECT_EQ(told(argument_findings(facts, staged_release())), "unknown kernel-argument:rd.luks\n");
}

TEST(ArgumentFit, InitAndRootMustBeFound) {
  auto facts = facts_with("init=/usr/lib/other/init root=UUID=1234-5678");
  EXPECT_EQ(told(argument_findings(facts, staged_release())), "good kernel-argument:all\n")
      << "nobody looked for it";
  facts.has_init = false;
  EXPECT_EQ(told(argument_findings(facts, staged_release())), "refusal kernel-argument:init\n");
  facts.has_init = true;
  auto bare = staged_release();
  bare.initramfs = "";
  EXPECT_EQ(told(argument_findings(facts, bare)), "refusal kernel-argument:root\n");
  facts.line = "root=PARTUUID=1234";
  EXPECT_EQ(told(argument_findings(facts, bare)), "good kernel-argument:all\n");
}

TEST(ArgumentFit, WhatIsNotKnownIsNoAlarm) {
  auto staged = staged_release();
  staged.unreadable = {{"built_in", "x"}, {"modules", "x"}};
  EXPECT_EQ(told(argument_findings(facts_with("rootfstype=ext4 megaraid_sas.a=1"), staged)),
            "good kernel-argument:all\n");
}

FallbackFacts good_fallback() {
  FallbackFacts facts;
  facts.slot = "a";
  facts.is_fallback = true;
  facts.seal = std::optional<std::string>("CUBE_1");
  facts.files = {{"boot/vmlinuz", ok()}, {"boot/initrd.img", ok()}};
  facts.running_kernel = "6.1.0";
  facts.kernel = KernelImage{"x86_64", "6.1.0"};
  facts.with_modules = std::vector<std::string>{"5.10.0", "6.1.0"};
  return facts;
}

TEST(FallbackFit, AWholeSlotIsAWayBack) {
  EXPECT_EQ(told(fallback_findings(good_fallback())), "good fallback:slot\n");
  auto facts = good_fallback();
  facts.kernel = Error{Errc::corrupt, "of a kind that is not known"};
  facts.with_modules = std::vector<std::string>{};
  EXPECT_EQ(told(fallback_findings(facts)), "good fallback:slot\n")
      << "a kernel without modules and of another kind is no harm";
}

TEST(FallbackFit, WhatKeepsItFromStartingIsRefused) {
  auto facts = good_fallback();
  facts.files[0].read = Error{Errc::failed, "boot/vmlinuz: Input/output error"};
  EXPECT_EQ(told(fallback_findings(facts)), "refusal fallback:boot/vmlinuz\n");
  facts = good_fallback();
  facts.is_fallback = false;
  EXPECT_EQ(told(fallback_findings(facts)), "refusal fallback:records\n");
  facts = good_fallback();
  facts.kernel = KernelImage{"x86_64", "6.1.1"};
  EXPECT_EQ(told(fallback_findings(facts)), "refusal fallback:kernel\n") << "it has no modules";
  facts.with_modules->push_back("6.1.1");
  EXPECT_EQ(told(fallback_findings(facts)), "warning fallback:kernel\n") << "it has not run yet";
  facts = good_fallback();
  facts.seal = std::optional<std::string>();
  facts.is_fallback = Error{Errc::cannot_arm, "the records are damaged"};
  EXPECT_EQ(told(fallback_findings(facts)), "unknown fallback:records\nwarning fallback:seal\n");
}

}  // namespace
}  // namespace cube::insight
