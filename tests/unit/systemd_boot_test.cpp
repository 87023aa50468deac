// What is special about systemd-boot: names and texts of entries, damaged records of every kind,
// the copies of the kernels, the canary, and which loader a machine has.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "agent/loader_choice.h"
#include "boot/systemd_boot/systemd_boot_control.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/systemd_boot_loader.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class SystemdBootTest : public testing::Test {
 protected:
  SystemdBootTest() {
    loader_.install(SlotId::a);
    loader_.start();
  }
  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] std::string text(const std::string& path) const {
    return root_.read_file(path, 100000).value();
  }
  [[nodiscard]] std::string linux_of(const std::string& id) const {
    const auto entry = parse_entry(text("boot/efi/loader/entries/" + id)).value();
    return "boot/efi/" + kernel_folder(entry.slot, entry.kernel) + "/vmlinuz";
  }
  void expect_refused_until_bless() {
    EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
    EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
    ASSERT_TRUE(control_.bless(SlotId::a));
    EXPECT_EQ(control_.state().value(), (BootState{SlotId::a, std::nullopt, false}));
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  FolderKernels kernels_{root_};
  SystemdBootLoader loader_{dir_.path()};
  SystemdBootControl control_{root_, kernels_, {}};
  const BootState armed_{SlotId::a, Trial{SlotId::b, 3, 0}, true};
};

TEST_F(SystemdBootTest, NamesOfEntries) {
  for (const std::string id :
       {"cube-a.conf", "cube-b+3.conf", "cube-b+2-1.conf", "cube-a+0-9.conf"})
    EXPECT_EQ(entry_id(parse_entry_name(id).value()), id);
  EXPECT_EQ(parse_entry_name("cube-b+0-1234.conf")->done, 9);
  for (const std::string id : {"",
                               ".conf",
                               "cube-.conf",
                               "cube-c.conf",
                               "cube-a",
                               "cube-a+.conf",
                               "cube-a+x.conf",
                               "cube-a+10.conf",
                               "cube-a+03.conf",
                               "cube-a+3-.conf",
                               "cube-a+3-01.conf",
                               "cube-a+-1.conf",
                               "cube-a+3-12345.conf",
                               "cube-a+3-1-1.conf",
                               "cube-a3.conf",
                               "cube-*.conf",
                               "cube-a.conf.conf",
                               "cube-ab.conf",
                               "CUBE-A.conf",
                               "cube-a+3\n.conf"})
    EXPECT_EQ(parse_entry_name(id), std::nullopt) << id;
}

TEST_F(SystemdBootTest, AnEntryIsBelievedByteForByteOnly) {
  const BootEntry entry{SlotId::b, true, 12, 7, "0123456789abcdef", "quiet console=ttyS0"};
  const auto bytes = render_entry(entry).value();
  EXPECT_EQ(bytes.size(), 512U);
  EXPECT_EQ(parse_entry(bytes).value(), entry);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    EXPECT_FALSE(parse_entry(bytes.substr(0, length)));
    auto torn = bytes;
    torn[length] = '\0';
    EXPECT_FALSE(parse_entry(torn)) << length;
  }
  for (const std::string arguments : {"a\nlinux /x", "cube.slot=a", "a cube.trial=1", "\x7f"}) {
    const BootEntry hostile{SlotId::b, true, 1, 1, "0123456789abcdef", arguments};
    EXPECT_EQ(render_entry(hostile).error().code, Errc::invalid) << arguments;
  }
  const BootEntry longest{
      SlotId::b, true, max_serial, max_serial, "0123456789abcdef", std::string(max_arguments, 'x')};
  EXPECT_EQ(parse_entry(render_entry(longest).value()).value(), longest);
}

TEST_F(SystemdBootTest, LoaderConfKeepsWhatOthersWrote) {
  const std::string text = "timeout 3\r\n default\tcube-a.conf\n#default x\neditor no";
  EXPECT_EQ(default_of(text).value(), SlotId::a);
  EXPECT_EQ(with_default(text, SlotId::b),
            "timeout 3\r\n default\tcube-b.conf\n#default x\neditor no");
  EXPECT_EQ(with_default("timeout 3\ndefault x\ndefault y\n", SlotId::b),
            "default cube-b.conf\ntimeout 3\n");
  for (const std::string bad : {"", "default", "default cube-a+3.conf", "default cube-*.conf",
                                "default cube-a.conf\ndefault cube-b.conf"})
    EXPECT_EQ(default_of(bad).error().code, Errc::corrupt) << bad;
}

TEST_F(SystemdBootTest, OneOfTheTwoCopiesOfTheFallbackIsEnough) {
  loader_.set_variable("LoaderEntryDefault", "");
  EXPECT_EQ(control_.state().value().fallback, SlotId::a);
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(loader_.start(), (Started{SlotId::b, true}));
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(loader_.text_of("LoaderEntryDefault"), "cube-b.conf");
  put(loader_.loader_conf(), "timeo");
  EXPECT_EQ(control_.state().value().fallback, SlotId::b);
  ASSERT_TRUE(control_.reject(SlotId::a));
  EXPECT_EQ(text("boot/efi/loader/loader.conf"), "default cube-b.conf\ntimeo") << "mended";
  loader_.set_variable("LoaderEntryDefault", "");
  EXPECT_EQ(loader_.start(), (Started{SlotId::b, false}));
}

TEST_F(SystemdBootTest, BlessWritesBothCopies) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  loader_.start();
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(default_of(text("boot/efi/loader/loader.conf")).value(), SlotId::b);
  EXPECT_FALSE(fs::exists(loader_.entry("cube-a.conf"))) << "the next update fills slot a";
}

TEST_F(SystemdBootTest, WithoutAnyVariableTheFallbackComesFirst) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  for (const auto* name : {"LoaderEntryDefault", "LoaderEntryOneShot"})
    loader_.set_variable(name, "");
  fs::remove(loader_.loader_conf());
  EXPECT_EQ(loader_.start(), (Started{SlotId::a, false}));
}

TEST_F(SystemdBootTest, AnOddNameAmongTheEntriesIsRefusedAndCleaned) {
  for (const std::string id :
       {"cube-b+x.conf", "cube-b+99.conf", "cube-$(x).conf", "cube-b+3-.conf"}) {
    put(loader_.entry(id), "title x\nlinux /vmlinuz\n");
    expect_refused_until_bless();
    EXPECT_FALSE(fs::exists(loader_.entry(id))) << id;
  }
  put(loader_.entry("debian.conf"), "title debian\n");
  EXPECT_TRUE(control_.state()) << "entries of others are theirs";
}

TEST_F(SystemdBootTest, APatternIsNeverFollowed) {
  loader_.set_variable("LoaderEntryOneShot", "cube-b*");
  expect_refused_until_bless();
  loader_.set_variable("LoaderEntryDefault", "cube-*.conf");
  expect_refused_until_bless();
  loader_.set_variable("LoaderEntryDefault", "@saved");
  expect_refused_until_bless();
  put(loader_.variable("LoaderEntryOneShot"), "\x07");
  expect_refused_until_bless();
}

TEST_F(SystemdBootTest, TheOneShotOfOthersStays) {
  loader_.set_variable("LoaderEntryOneShot", "auto-windows");
  EXPECT_FALSE(control_.state().value().offered);
  ASSERT_TRUE(control_.reject(SlotId::b));
  EXPECT_EQ(loader_.text_of("LoaderEntryOneShot"), "auto-windows");
}

TEST_F(SystemdBootTest, ADamagedEntryIsNoEntry) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  const auto whole = text("boot/efi/loader/entries/cube-b+3.conf");
  for (std::size_t length = 0; length < whole.size(); length += 7) {
    put(loader_.entry("cube-b+3.conf"), whole.substr(0, length));
    ASSERT_EQ(control_.state().value().trial, std::nullopt) << length;
  }
  // Without the last newline alone systemd-boot takes it for whole; a sector is not cut there.
  put(loader_.entry("cube-b+3.conf"), whole.substr(0, whole.size() - 3));
  EXPECT_EQ(loader_.start(), (Started{SlotId::a, false}));
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(control_.state().value(), armed_);
  put(loader_.entry("cube-a.conf"), "title mine\nlinux /vmlinuz\n");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
}

TEST_F(SystemdBootTest, ACopyThatDiffersIsNotUsed) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  put(dir_.path() + "/" + linux_of("cube-b+3.conf"), "vmlinuz of slot X");
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(text(linux_of("cube-b+3.conf")), "vmlinuz of slot b");
  put(dir_.path() + "/slots/b/boot/vmlinuz", "a newer kernel");
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(text(linux_of("cube-b+3.conf")), "a newer kernel");
}

TEST_F(SystemdBootTest, WithoutRoomNothingIsChanged) {
  ASSERT_EQ(std::signal(SIGXFSZ, SIG_IGN), SIG_DFL);
  const rlimit small{1 << 20, 1 << 20};  // if the room were not checked, this ends the copy
  fs::resize_file(dir_.path() + "/slots/b/boot/vmlinuz", std::uintmax_t{1} << 43);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  ::setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::no_space);
  EXPECT_EQ(control_.state().value(), (BootState{SlotId::a, std::nullopt, false}));
  EXPECT_EQ(loader_.text_of("LoaderEntryOneShot"), "");
  EXPECT_FALSE(fs::exists(dir_.path() + "/boot/efi/cube/kernels/b-00000000"));
}

TEST_F(SystemdBootTest, ASlotWithoutAKernelIsNotArmed) {
  fs::remove(dir_.path() + "/slots/b/boot/initrd.img");
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.state().value().trial, std::nullopt);
}

TEST_F(SystemdBootTest, AnotherPartitionIsNotArmed) {
  const auto cmdline = dir_.path() + "/proc/cmdline";
  put(cmdline, "cube.slot=a cube.canary=ffffffffffffffff\n");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  loader_.start();
  EXPECT_TRUE(control_.state());
  loader_.set_variable("LoaderEntrySelected", "cube-b+2-1.conf");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm) << "that is not the slot that runs";
}

TEST_F(SystemdBootTest, NotMountedOrNotUefi) {
  fs::rename(loader_.esp(), dir_.path() + "/elsewhere");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  fs::rename(dir_.path() + "/elsewhere", loader_.esp());
  fs::remove_all(dir_.path() + "/sys");
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
}

TEST_F(SystemdBootTest, TheTrialGetsItsArguments) {
  SystemdBootControl control(root_, kernels_, {"boot/efi", "quiet"});
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  loader_.start();
  EXPECT_TRUE(
      text("proc/cmdline").starts_with("root=LABEL=cube-b ro quiet cube.slot=b cube.canary="));
  EXPECT_NE(text("proc/cmdline")
                .find(" cube.trial=1 panic=10 oops=panic softlockup_panic=1 nmi_watchdog=panic "
                      "hung_task_panic=1\n"),
            std::string::npos);
}

TEST_F(SystemdBootTest, TheLoaderIsToldByFacts) {
  const auto chosen = [&](const std::string& wish = "auto") {
    Config config;
    config.boot_loader = wish;
    return choose_loader(root_, config, kernels_);
  };
  EXPECT_EQ(chosen().name, "systemd-boot");
  EXPECT_EQ(chosen().control->state().value().fallback, SlotId::a);
  loader_.set_variable("LoaderInfo", "");
  EXPECT_EQ(chosen().name, "unknown") << "another loader started the machine";
  EXPECT_EQ(chosen().control->state().error().code, Errc::cannot_arm);
  EXPECT_EQ(chosen("systemd-boot").name, "systemd-boot");
  loader_.set_variable("LoaderInfo", "systemd-boot 252");
  GrubLoader(dir_.path()).install(SlotId::a);
  EXPECT_EQ(chosen().name, "unknown") << "records of both";
  EXPECT_EQ(chosen("grub").name, "grub");
  fs::remove(loader_.entry("cube-a.conf"));
  EXPECT_EQ(chosen().name, "grub") << "systemd-boot may have started GRUB";
  fs::remove_all(loader_.esp() + "/cube");
  EXPECT_EQ(chosen().name, "systemd-boot") << "a new machine";
  fs::remove_all(dir_.path() + "/sys");
  EXPECT_EQ(chosen().name, "grub");
}

}  // namespace
}  // namespace cube
