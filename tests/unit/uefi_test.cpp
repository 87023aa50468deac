// What is special about firmware that starts the slots itself: boot options as bytes, damaged
// records of every kind, what others wrote into the same variables, the canary, and when auto
// chooses it.
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/loader_choice.h"
#include "boot/efi/entry_text.h"
#include "boot/efi/mounted_partition.h"
#include "boot/efi/unified_kernel.h"
#include "boot/uefi/uefi_boot_control.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/uefi_firmware.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Numbers = std::vector<std::uint16_t>;

class UefiTest : public testing::Test {
 protected:
  UefiTest() {
    firmware_.install(SlotId::a);
    firmware_.start();
  }
  void put(const std::string& path, const std::string& bytes) const {
    write_bytes(dir_.path() + "/" + path, bytes);
  }
  [[nodiscard]] std::uint16_t number_of(const std::string& description) const {
    return firmware_.named(description).at(0);
  }
  [[nodiscard]] SlotEntry entry(const std::string& description) const {
    return parse_slot_entry(firmware_.get(UefiFirmware::name_of(number_of(description))),
                            firmware_.partition())
        .value();
  }
  void expect_refused_until_bless() {
    EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
    EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
    EXPECT_EQ(control_.reject(SlotId::b).error().code, Errc::cannot_arm);
    ASSERT_TRUE(control_.bless(SlotId::a));
    EXPECT_EQ(control_.state().value(), none_);
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  FolderKernels kernels_{root_};
  UefiFirmware firmware_{dir_.path()};
  UefiBootControl control_{root_, kernels_, {}};
  const BootState none_{SlotId::a, std::nullopt, false};
  const BootState armed_{SlotId::a, Trial{SlotId::b, 3, 0}, true};
};

TEST_F(UefiTest, BootOptionsAreReadWithinTheirBounds) {
  const auto path = path_of_file(firmware_.partition(), "\\cube\\x").value();
  const LoadOption option{1, "debian", path, std::string("\0\xff", 2)};
  const auto bytes = render_load_option(option).value();
  EXPECT_EQ(parse_load_option(bytes).value(), option);
  for (std::size_t length = 0; length < bytes.size() - option.data.size(); ++length)
    EXPECT_EQ(parse_load_option(bytes.substr(0, length)).error().code, Errc::corrupt) << length;
  auto node = bytes;
  const auto first = bytes.find(path);
  for (const char length : {'\0', '\3', '\x29', '\x2b', '\xff'}) {
    node[first + 2] = length;
    EXPECT_FALSE(parse_load_option(node)) << static_cast<int>(length);
  }
  EXPECT_FALSE(parse_load_option(std::string(max_efi_value + 1, 'x')));
  auto wild = bytes;
  wild[6] = '\x1b';
  EXPECT_EQ(parse_load_option(wild)->description, "?ebian") << "nothing hostile to a terminal";
}

// The bytes as the specification has them, written down by hand.
TEST_F(UefiTest, ADevicePathIsThatOfTheSpecification) {
  GptPartition partition{2, 0x800, 0x18000, {}};
  for (std::size_t i = 0; i < 16; ++i) partition.guid[i] = static_cast<char>(i + 1);
  const std::string disk(
      "\x04\x01\x2a\0"
      "\x02\0\0\0"
      "\0\x08\0\0\0\0\0\0"
      "\0\x80\x01\0\0\0\0\0"
      "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
      "\x02\x02",
      42);
  const std::string file("\x04\x04\x0a\0\\\0x\0\0\0", 10), end("\x7f\xff\x04\0", 4);
  EXPECT_EQ(path_of_file(partition, "\\x").value(), disk + file + end);
}

TEST_F(UefiTest, AnEntryIsBelievedByteForByteOnly) {
  const auto& partition = firmware_.partition();
  const SlotEntry entry{SlotId::b, TryCount{3, 1}, 12, 7, "0123456789abcdef", "quiet"};
  const auto bytes = render_slot_entry(entry, partition).value();
  EXPECT_EQ(parse_slot_entry(bytes, partition).value(), entry);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    EXPECT_FALSE(parse_slot_entry(bytes.substr(0, at), partition));
    auto torn = bytes;
    torn[at] = static_cast<char>(torn[at] ^ 0x20);
    const auto parsed = parse_slot_entry(torn, partition);
    // A changed digit may be another entry of ours; nothing else may pass.
    EXPECT_TRUE(!parsed || render_slot_entry(*parsed, partition).value() == torn) << at;
  }
  auto other = partition;
  ++other.start;
  EXPECT_FALSE(parse_slot_entry(bytes, other)) << "another partition";
  for (const std::string arguments : {"a\n", "cube.slot=a"}) {
    const SlotEntry hostile{SlotId::b, std::nullopt, 1, 1, "0123456789abcdef", arguments};
    EXPECT_EQ(render_slot_entry(hostile, partition).error().code, Errc::invalid) << arguments;
  }
  const SlotEntry longest{SlotId::a,  TryCount{9, 9},     max_serial,
                          max_serial, "0123456789abcdef", std::string(max_arguments, 'x')};
  EXPECT_EQ(parse_slot_entry(render_slot_entry(longest, partition).value(), partition).value(),
            longest);
}

TEST_F(UefiTest, NamesOfOptions) {
  for (const std::string name : {"Boot0000", "Boot00FA", "BootFFFF"})
    EXPECT_EQ(option_name(parse_option_name(name).value()), name);
  for (const std::string name :
       {"", "Boot", "BootNext", "BootOrder", "Boot00fa", "Boot00001", "BootCurrent", "boot0000"})
    EXPECT_EQ(parse_option_name(name), std::nullopt) << name;
}

TEST_F(UefiTest, ThePartitionIsTheMountedOne) {
  EXPECT_EQ(partition_mounted_at(root_, "boot/efi").value(), firmware_.partition());
  EXPECT_EQ(partition_mounted_at(root_, "/boot/efi").value(), firmware_.partition());
  EXPECT_EQ(partition_mounted_at(root_, "boot").error().code, Errc::cannot_arm);
  const std::string line = "30 21 254:2 / /boot/efi rw - vfat /dev/vda2 rw\n";
  EXPECT_EQ(device_mounted_at("1 1 0:5 / /boot/efi rw - autofs x rw\n" + line, "/boot/efi"),
            "254:2");
  EXPECT_EQ(device_mounted_at(line + "31 30 254:9 /x /boot/efi rw - vfat x rw\n", "/boot/efi"), "")
      << "a folder of a partition is not where the firmware looks";
  EXPECT_EQ(device_mounted_at("30 21 ../../x / /boot/efi rw\n", "/boot/efi"), "");
  put("sys/devices/block/vda/queue/logical_block_size", "4096\n");
  EXPECT_EQ(partition_mounted_at(root_, "boot/efi").error().code, Errc::cannot_arm);
  put("sys/devices/block/vda/queue/logical_block_size", "512\n");
  put("sys/devices/block/vda/vda2/start", "2049\n");
  EXPECT_EQ(partition_mounted_at(root_, "boot/efi").error().code, Errc::cannot_arm)
      << "the kernel and the GPT differ";
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  put("sys/devices/block/vda/vda2/start", "x\n");
  EXPECT_EQ(partition_mounted_at(root_, "boot/efi").error().code, Errc::cannot_arm);
  fs::remove(dir_.path() + "/sys/devices/block/vda/vda2/partition");
  EXPECT_EQ(partition_mounted_at(root_, "boot/efi").error().code, Errc::cannot_arm) << "RAID, LVM";
}

TEST_F(UefiTest, AGptIsReadWithinItsBounds) {
  const auto disk = read_bytes(dir_.path() + "/dev/vda");
  const auto refused = [&](const std::string& other) {
    put("dev/vda", other);
    return partition_mounted_at(root_, "boot/efi").error().code == Errc::cannot_arm;
  };
  for (const auto length : std::vector<std::size_t>{0, 511, 600, 1024, 1200, 1279})
    EXPECT_TRUE(refused(disk.substr(0, length))) << length;
  // Signature, place of the table, number and size of its entries, first and last block.
  for (const auto at : std::vector<std::size_t>{512, 512 + 72, 512 + 79, 512 + 80, 512 + 84,
                                                512 + 87, 1184, 1192}) {
    auto other = disk;
    other[at] = static_cast<char>(at == 512 + 80 ? 1 : other[at] ^ 0x40);
    EXPECT_TRUE(refused(other)) << at;
  }
  put("dev/vda", disk);
  EXPECT_TRUE(partition_mounted_at(root_, "boot/efi"));
}

TEST_F(UefiTest, TheTrialGetsItsArgumentsAndStandsInNoOrder) {
  UefiBootControl control(root_, kernels_, {"boot/efi", "quiet"});
  ASSERT_TRUE(control.arm(SlotId::b, 3));
  EXPECT_EQ(firmware_.numbers("BootOrder"), (Numbers{2, 1, 0, 3})) << "3 is the firmware's own";
  EXPECT_EQ(firmware_.numbers("BootNext"), Numbers{number_of("cube-b")});
  ASSERT_EQ(firmware_.start(), (Started{SlotId::b, true}));
  EXPECT_EQ(firmware_.get("BootNext"), "");
  const auto cmdline = read_bytes(dir_.path() + "/proc/cmdline");
  EXPECT_TRUE(cmdline.starts_with(
      "initrd=\\cube\\kernels\\b-00000000\\initrd.img root=LABEL=cube-b ro quiet cube.slot=b "
      "cube.canary=" +
      entry("cube-a").canary + " cube.serial=00000002 cube.left=3 cube.done=0 cube.trial=1 "))
      << cmdline;
  EXPECT_TRUE(cmdline.ends_with(
      " panic=10 oops=panic softlockup_panic=1 nmi_watchdog=panic hung_task_panic=1\n"))
      << cmdline;
}

TEST_F(UefiTest, WhatOthersWroteStays) {
  firmware_.add_foreign(0x20, "windows");
  firmware_.set_numbers("BootOrder", {2, 0x20, 0x77, 1, 0, 3});
  const auto windows = firmware_.get("Boot0020");
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  ASSERT_TRUE(firmware_.start().trial);
  ASSERT_TRUE(control_.bless(SlotId::b));
  auto order = firmware_.numbers("BootOrder");
  EXPECT_EQ(order.front(), number_of("cube-b"));
  order.erase(order.begin());
  EXPECT_EQ(order, (Numbers{0x20, 0x77, 1, 0, 3})) << "in their order, and also what names nothing";
  EXPECT_EQ(firmware_.get("Boot0020"), windows);
  EXPECT_TRUE(firmware_.named("cube-a").empty()) << "the next update fills slot a";
  EXPECT_EQ(firmware_.start(), (Started{SlotId::b, false}));
}

TEST_F(UefiTest, ANumberThatSomebodyNamesIsNotTaken) {
  firmware_.set_numbers("BootOrder", {2, 4, 1, 0, 3, 5});  // 4 and 5 are no options
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(number_of("cube-b"), 6);
  EXPECT_EQ(control_.state().value(), armed_);
}

TEST_F(UefiTest, TheWishOfOthersForTheNextStartStays) {
  firmware_.set_numbers("BootNext", {1});
  EXPECT_EQ(control_.state().value(), none_);
  const auto refused = control_.arm(SlotId::b, 3);
  EXPECT_EQ(refused.error().code, Errc::cannot_arm);
  EXPECT_NE(refused.error().what.find("Boot0001 \"debian\""), std::string::npos)
      << refused.error().what;
  ASSERT_TRUE(control_.reject(SlotId::b));
  ASSERT_TRUE(control_.bless(SlotId::a));
  EXPECT_EQ(firmware_.numbers("BootNext"), Numbers{1});
  EXPECT_TRUE(firmware_.named("cube-b").empty());
}

TEST_F(UefiTest, AStaleOneShotIsCleaned) {
  for (const std::uint16_t stale : Numbers{2, 0x55}) {  // the fallback; nothing
    firmware_.set_numbers("BootNext", {stale});
    EXPECT_EQ(control_.state().value(), none_);
    ASSERT_TRUE(control_.reject(SlotId::b));
    EXPECT_EQ(firmware_.get("BootNext"), "") << stale;
  }
  for (const std::string name : {"BootNext", "BootOrder"}) {
    firmware_.set(name, "x");
    expect_refused_until_bless();
  }
  EXPECT_EQ(firmware_.get("BootNext"), "");
  EXPECT_EQ(firmware_.numbers("BootOrder"), Numbers{2});
}

// The offer is the entry, and it comes last: if it cannot be written, nothing was armed or spent.
TEST_F(UefiTest, AFailureBetweenTheTwoWritesArmsNothing) {
  // Where the entry would be written.
  fs::create_symlink("nowhere", firmware_.variable("Boot0004"));
  EXPECT_FALSE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(firmware_.get("BootNext"), "") << "taken back";
  fs::remove(firmware_.variable("Boot0004"));
  EXPECT_EQ(control_.state().value(), none_);
  fs::create_symlink("nowhere", firmware_.variable("BootNext"));
  EXPECT_FALSE(control_.arm(SlotId::b, 3));
  fs::remove(firmware_.variable("BootNext"));
  EXPECT_EQ(control_.state().value(), none_);
  EXPECT_TRUE(firmware_.named("cube-b").empty());
}

TEST_F(UefiTest, WhatIsArmedAlreadyIsNotWrittenAgain) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  const auto old = fs::file_time_type::clock::now() - std::chrono::hours(1);
  const auto variables = dir_.path() + "/sys/firmware/efi/efivars";
  for (const auto& file : fs::directory_iterator(variables)) fs::last_write_time(file, old);
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  for (const auto& file : fs::directory_iterator(variables))
    EXPECT_EQ(fs::last_write_time(file), old) << file << ": NVRAM wears";
}

TEST_F(UefiTest, OursBehindTheFallbackInTheOrderAreTakenOut) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  firmware_.start();
  const auto number = number_of("cube-b");
  firmware_.set_numbers("BootOrder", {2, 1, number, 0});  // some firmware names all that it finds
  firmware_.start();
  EXPECT_EQ(control_.state().value(), (BootState{SlotId::a, Trial{SlotId::b, 2, 1}, false}));
  const auto disk = firmware_.numbers("BootOrder").back();  // the firmware's own
  ASSERT_TRUE(control_.arm(SlotId::b, 2));
  EXPECT_EQ(firmware_.numbers("BootOrder"), (Numbers{2, 1, 0, disk}));
}

TEST_F(UefiTest, ATrialFirstInTheOrderIsRefused) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  firmware_.set_numbers("BootOrder", {number_of("cube-b"), 2, 1});
  expect_refused_until_bless();
  EXPECT_EQ(firmware_.numbers("BootOrder"), (Numbers{2, 1}));
}

TEST_F(UefiTest, AnotherOptionBeforeOursIsRefused) {
  firmware_.set_numbers("BootOrder", {1, 2});
  EXPECT_NE(control_.state().error().what.find("Boot0001 \"debian\""), std::string::npos);
  expect_refused_until_bless();
  EXPECT_EQ(firmware_.numbers("BootOrder"), (Numbers{2, 1}));
  auto inactive = firmware_.get("Boot0001");
  inactive[0] = '\0';
  firmware_.set("Boot0001", inactive);
  auto menu = firmware_.get("Boot0000");
  menu.replace(0, 2, "\x09\x01");  // as EDK2 has its own menu
  firmware_.set("Boot0000", menu);
  firmware_.set_numbers("BootOrder", {0x99, 0, 1, 2});
  EXPECT_EQ(control_.state().value(), none_) << "the firmware passes over all three";
}

TEST_F(UefiTest, AnEntryThatIsNotAsWrittenIsRefused) {
  const auto whole = firmware_.get("Boot0002");
  for (const auto& changed : {whole.substr(0, whole.size() - 2), whole + "x", whole.substr(0, 30),
                              std::string(1, '\0') + whole.substr(1)}) {
    firmware_.set("Boot0002", changed);
    expect_refused_until_bless();
  }
  firmware_.set("Boot0030", whole.substr(0, 20));
  expect_refused_until_bless();
  EXPECT_EQ(firmware_.get("Boot0030"), "");
  firmware_.set("Boot0031", std::string(5000, 'x'));
  EXPECT_EQ(control_.state().value(), none_) << "what others wrote is theirs";
}

TEST_F(UefiTest, ADroppedFallbackIsMended) {
  firmware_.lose_variables();
  ASSERT_EQ(firmware_.start(), (Started{SlotId::a, false})) << "by the removable path";
  expect_refused_until_bless();
  EXPECT_EQ(firmware_.start(), (Started{SlotId::a, false}));
  EXPECT_EQ(firmware_.numbers("BootCurrent"), Numbers{number_of("cube-a")});
}

TEST_F(UefiTest, ADroppedTrialIsNoTrial) {
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  firmware_.set(UefiFirmware::name_of(number_of("cube-b")), "");
  EXPECT_EQ(control_.state().value(), none_);
  EXPECT_EQ(firmware_.start(), (Started{SlotId::a, false}));
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(firmware_.start(), (Started{SlotId::b, true}));
}

TEST_F(UefiTest, AnotherStartIsNotArmed) {
  firmware_.set_numbers("BootCurrent", {1});
  const auto by_hand = control_.state();
  EXPECT_EQ(by_hand.error().code, Errc::cannot_arm);
  EXPECT_NE(by_hand.error().what.find("Boot0001 \"debian\""), std::string::npos);
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  firmware_.set("BootCurrent", "");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
  firmware_.start();
  EXPECT_TRUE(control_.state());
  put("proc/cmdline", "cube.slot=a cube.canary=ffffffffffffffff\n");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm) << "it does not hand over arguments";
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
}

TEST_F(UefiTest, ASlotWithoutAKernelIsNotArmed) {
  fs::remove(dir_.path() + "/slots/b/boot/initrd.img");
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.state().value(), none_);
  EXPECT_EQ(firmware_.get("BootNext"), "");
}

TEST_F(UefiTest, TheFallbacksKernelMustBeThere) {
  fs::remove(firmware_.esp() + "/cube/kernels/a-00000000/vmlinuz");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
  ASSERT_TRUE(control_.bless(SlotId::a));
  EXPECT_EQ(firmware_.start(), (Started{SlotId::a, false}));
}

TEST_F(UefiTest, AStubIsExtendedWithinItsHeaders) {
  const auto stub = UefiFirmware::stub();
  const auto made = extend_stub(stub, {{".cmdline", 5}, {".linux", 5000}}).value();
  EXPECT_EQ(made.begin.size(), stub.size());
  EXPECT_EQ(made.size, 0x600U + 512 + 5120);
  const auto sections = pe_sections(made.begin).value();
  ASSERT_EQ(sections.size(), 3U);
  EXPECT_EQ(sections[2].name, ".linux");
  EXPECT_EQ(sections[2].offset, 0x800U);
  EXPECT_EQ(sections[2].size, 5000U);
  const auto number = [&](std::size_t at) {
    return static_cast<unsigned char>(made.begin[at]) +
           256 * static_cast<unsigned char>(made.begin[at + 1]);
  };
  EXPECT_EQ(number(64 + 24 + 56), 0x5000) << "size in memory: a page, then two";
  EXPECT_EQ(number(64 + 24 + 64), 0) << "no checksum";
  EXPECT_EQ(number(328 + 80 + 12), 0x3000) << "where .linux lies in memory";
  for (std::size_t length = 0; length < 368; ++length)
    EXPECT_FALSE(pe_sections(stub.substr(0, length))) << length;
  const auto refused = [&](std::size_t at, char byte) {
    auto other = stub;
    other[at] = byte;
    return !extend_stub(other, {{".linux", 1}});
  };
  EXPECT_TRUE(refused(64 + 24 + 144, 1)) << "signed";
  EXPECT_TRUE(refused(64 + 4, 1)) << "another machine";
  EXPECT_TRUE(refused(64 + 6, 17)) << "no room for one more";
  EXPECT_TRUE(refused(370, 1)) << "something is there already";
  EXPECT_TRUE(refused(0x3f, 1)) << "a header far away";
  EXPECT_FALSE(extend_stub(stub, {{".linux", 0}}));
  EXPECT_FALSE(extend_stub(stub, {{".linux", max_pe_section + 1}}));
}

TEST_F(UefiTest, TheRemovablePathFollowsTheFallback) {
  const auto arguments = [&] {
    return UefiFirmware::section(read_bytes(firmware_.removable()), ".cmdline");
  };
  const auto factory = arguments();
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  EXPECT_EQ(arguments(), factory);
  ASSERT_TRUE(firmware_.start().trial);
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(arguments(), "root=LABEL=cube-b ro cube.slot=b cube.canary=" + entry("cube-b").canary);
  firmware_.lose_variables();
  ASSERT_EQ(firmware_.start(), (Started{SlotId::b, false}));
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_EQ(firmware_.start(), (Started{SlotId::b, false}));
}

TEST_F(UefiTest, TheRemovablePathNeverStartsASlotThatIsFilled) {
  const auto factory = read_bytes(firmware_.removable());
  const auto stub = dir_.path() + "/slots/b/usr/lib/systemd/boot/efi/linuxx64.efi.stub";
  fs::remove(stub);
  ASSERT_TRUE(control_.arm(SlotId::b, 3));
  firmware_.start();
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_FALSE(fs::exists(firmware_.removable())) << "no stub: none, rather than the other slot";
  write_bytes(firmware_.removable(), factory);  // as if a cut had left it
  ASSERT_TRUE(control_.reject(SlotId::a));
  EXPECT_FALSE(fs::exists(firmware_.removable()));
  write_bytes(stub, "MZ");
  ASSERT_TRUE(control_.bless(SlotId::b));
  EXPECT_FALSE(fs::exists(firmware_.removable())) << "that is no stub";
  write_bytes(firmware_.removable(), std::string(2048, '\0'));  // cut before its first sector
  write_bytes(stub, UefiFirmware::stub());
  ASSERT_TRUE(control_.bless(SlotId::b));
  firmware_.lose_variables();
  EXPECT_EQ(firmware_.start(), (Started{SlotId::b, false}));
}

TEST_F(UefiTest, TheRemovablePathOfOthersStays) {
  for (const auto& theirs : {std::string("MZ"), UefiFirmware::stub(), std::string("x")}) {
    write_bytes(firmware_.removable(), theirs);
    ASSERT_TRUE(control_.bless(SlotId::a));
    EXPECT_EQ(read_bytes(firmware_.removable()), theirs);
  }
}

TEST_F(UefiTest, NotMountedOrNotUefi) {
  put("proc/self/mountinfo", "21 1 254:3 / / rw - ext4 /dev/vda3 rw\n");
  EXPECT_EQ(control_.state().error().code, Errc::cannot_arm);
  EXPECT_EQ(control_.bless(SlotId::a).error().code, Errc::cannot_arm);
  fs::remove_all(dir_.path() + "/sys/firmware");
  EXPECT_EQ(control_.arm(SlotId::b, 3).error().code, Errc::cannot_arm);
}

TEST_F(UefiTest, TheLoaderIsToldByFacts) {
  const auto chosen = [&](const std::string& wish = "auto") {
    Config config;
    config.boot_loader = wish;
    return choose_loader(root_, config, kernels_);
  };
  EXPECT_EQ(chosen().name, "uefi");
  ASSERT_TRUE(chosen().control->arm(SlotId::b, 3));
  firmware_.start();
  ASSERT_TRUE(chosen().control->bless(SlotId::b));
  EXPECT_EQ(chosen().name, "uefi") << "the entry that this boot came from is gone";
  firmware_.start();
  firmware_.set_numbers("BootCurrent", {1});
  EXPECT_EQ(chosen().name, "unknown");
  EXPECT_EQ(chosen().control->state().error().code, Errc::cannot_arm);
  EXPECT_EQ(chosen("uefi").name, "uefi");
  firmware_.start();
  write_bytes(firmware_.esp() + "/loader/entries/cube-a.conf", "title x\n");
  EXPECT_EQ(chosen().name, "unknown") << "entries for systemd-boot";
  fs::remove_all(firmware_.esp() + "/loader");
  EXPECT_EQ(chosen().name, "uefi");
  GrubLoader(dir_.path()).install(SlotId::a);
  EXPECT_EQ(chosen().name, "unknown") << "records of both";
  firmware_.lose_variables();
  EXPECT_EQ(chosen().name, "grub");
}

}  // namespace
}  // namespace cube
