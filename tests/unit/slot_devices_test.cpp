// The slot store on real block devices, as on an appliance: slot a is the mounted root, slot b a
// device of its own. Only this shows mkfs, mounts, owners, xattrs and device numbers.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "base/spawn.h"
#include "slots/make_filesystem.h"
#include "slots/ostree/compose/compose.h"
#include "slots/ostree/folder_slot.h"
#include "slots/ostree/ostree_slot_store.h"
#include "slots/ostree/slot_tree.h"
#include "slots/seal_file.h"
#include "tests/support/block_devices.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t mib = 1024 * 1024;
const ProgressSink quiet = [](const Progress&) {};

void run(const std::vector<std::string>& command) {
  const auto outcome = spawn(command);
  ASSERT_TRUE(outcome) << outcome.error().what;
  ASSERT_EQ(outcome->exit_code, 0) << command[0] << ": " << outcome->output;
}

std::string xattrs(const fs::path& path) {
  char names[4096];
  const auto size = ::llistxattr(path.c_str(), names, sizeof names);
  std::map<std::string, std::string> sorted;
  for (const char* name = names; size > 0 && name < names + size; name += std::strlen(name) + 1) {
    char value[4096];
    const auto length = ::lgetxattr(path.c_str(), name, value, sizeof value);
    sorted[name] = length < 0 ? "?" : std::string(value, static_cast<std::size_t>(length));
  }
  std::string all;
  for (const auto& [name, value] : sorted) all += " " + name + "=" + value;
  return all;
}

// Path -> everything that a release says about it.
std::map<std::string, std::string> described(const fs::path& top) {
  std::map<std::string, std::string> all;
  for (auto walk = fs::recursive_directory_iterator(top);
       walk != fs::recursive_directory_iterator(); ++walk) {
    const std::string path = walk->path().string().substr(top.string().size());
    if (path == "/ostree" || path == "/.cube" || path == "/lost+found") {
      walk.disable_recursion_pending();
      continue;
    }
    struct stat st {};
    ::lstat(walk->path().c_str(), &st);
    std::string& value = all[path];
    value = std::to_string(st.st_mode) + " " + std::to_string(st.st_uid) + ":" +
            std::to_string(st.st_gid) + xattrs(walk->path());
    if (S_ISREG(st.st_mode)) value += " " + get(walk->path());
    if (S_ISLNK(st.st_mode)) value += " " + fs::read_symlink(walk->path()).string();
  }
  return all;
}

// cap_net_raw, permitted and effective, as setcap writes it.
void give_capability(const fs::path& file) {
  vfs_cap_data data{};
  data.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE;
  data.data[0].permitted = 1U << CAP_NET_RAW;
  ASSERT_EQ(::setxattr(file.c_str(), "security.capability", &data, XATTR_CAPS_SZ_2, 0), 0);
}

void give_xattr(const fs::path& path, const std::string& value) {
  ASSERT_EQ(::setxattr(path.c_str(), "user.origin", value.data(), value.size(), 0), 0);
}

class SlotDevices : public testing::Test {
 protected:
  static void SetUpTestSuite() { missing_ = enter_block_devices(); }

  void SetUp() override {
    if (!missing_.empty()) GTEST_SKIP() << missing_;
    dev_.emplace("tmpfs", dir_.path() + "/dev", "tmpfs");
    workshop_device_.emplace(dir_.path() + "/workshop.img", 512 * mib, node("workshop"));
    run({"mkfs.ext4", "-q", node("workshop")});
    workshop_.emplace(node("workshop"), dir_.path() + "/workshop", "ext4");
    repository_.emplace(ArchiveRepository::create(workshop() / "source").value());
    old_ = compose("1.0.0");
    new_ = compose("2.0.0");
    a_.emplace(dir_.path() + "/a.img", 130 * mib, node("a"));
    b_.emplace(dir_.path() + "/b.img", 130 * mib, node("b"));
    ASSERT_TRUE(make_ext4(node("a"), "test-a"));
    mounted_a_.emplace(node("a"), root_path(), "ext4");
    root_.emplace(RootDir::open(root_path()).value());
    ASSERT_TRUE(install_in_folder(*root_, old_, source(), quiet));
    put(root_path() + "/etc/machine-id", "0123\n");
    mounted_run_.emplace("tmpfs", root_path() + "/run", "tmpfs");
    mounted_dev_.emplace(dir_.path() + "/dev", root_path() + "/dev", nullptr, MS_BIND);
    store_.emplace(*root_, SlotsConfig{"/dev/a", "/dev/b", {"etc/machine-id"}});
  }

  [[nodiscard]] std::string node(const std::string& name) const {
    return dir_.path() + "/dev/" + name;
  }
  [[nodiscard]] std::string root_path() const { return dir_.path() + "/root"; }
  [[nodiscard]] fs::path workshop() const { return dir_.path() + "/workshop"; }
  [[nodiscard]] fs::path tree_of(const Release& release) const {
    return workshop() / ("tree-" + release.name.version.text());
  }
  [[nodiscard]] ObjectSource source() const {
    return {"file://" + (workshop() / "source").string()};
  }

  // A tree with one of everything that an inode can say.
  Release compose(const std::string& version) {
    const fs::path tree = workshop() / ("tree-" + version);
    for (const auto* folder : {"run", "dev", "proc", "etc", "var/lib", "tmp", "usr/share/group"})
      fs::create_directories(tree / folder);
    put(tree / "boot/vmlinuz", "kernel " + version);
    put(tree / "boot/initrd.img", "initramfs " + version + std::string(mib / 4, '\0') + "end");
    put(tree / "usr/bin/tool", "tool " + version);
    put(tree / "usr/bin/su", "becomes root " + version);
    put(tree / "usr/bin/ping", "sends " + version);
    put(tree / "usr/share/theirs", "of somebody else " + version);
    put(tree / "etc/secret", "of a daemon " + version);
    put(tree / "var/lib/state", "factory");
    fs::create_hard_link(tree / "usr/bin/tool", tree / "usr/bin/tool-too");
    fs::create_symlink("tool", tree / "usr/bin/alias");
    EXPECT_EQ(::chown((tree / "usr/share/theirs").c_str(), 1234, 4321), 0);
    EXPECT_EQ(::lchown((tree / "usr/bin/alias").c_str(), 1234, 4321), 0);
    EXPECT_EQ(::chown((tree / "etc/secret").c_str(), 0, 4321), 0);
    EXPECT_EQ(::chown((tree / "usr/share/group").c_str(), 0, 4321), 0);
    EXPECT_EQ(::chmod((tree / "etc/secret").c_str(), 0640), 0);
    EXPECT_EQ(::chmod((tree / "usr/share/group").c_str(), 02775), 0);
    EXPECT_EQ(::chmod((tree / "usr/bin/su").c_str(), 04755), 0);
    EXPECT_EQ(::chmod((tree / "tmp").c_str(), 01777), 0);
    EXPECT_EQ(::chmod((tree / "usr/bin/ping").c_str(), 0755), 0);
    give_capability(tree / "usr/bin/ping");
    for (const auto* path : {"usr/share/theirs", "usr/share/group", "etc/secret", "var/lib"})
      give_xattr(tree / path, version);
    const auto composed = repository_->commit_tree(tree, {version, 1'700'000'000, true});
    EXPECT_TRUE(composed) << composed.error().what;
    Release release;
    release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
    release.commit = composed->commit;
    release.manifest_sha256 = std::string(63, 'a') + version[0];
    release.tree_bytes = composed->tree_bytes;
    release.tree_inodes = composed->tree_inodes;
    return release;
  }

  Status fill(const Release& release) {
    CUBE_CHECK(store_->unseal(SlotId::b));
    return store_->fill(SlotId::b, release, source(), quiet);
  }
  Status install(const Release& release) {
    CUBE_CHECK(fill(release));
    CUBE_CHECK(store_->verify(SlotId::b, release, quiet));
    return store_->seal(SlotId::b, release, 1);
  }
  void expect_installs(const Release& release) {
    const auto status = install(release);
    ASSERT_TRUE(status) << status.error().what;
    const auto seal = store_->seal_of(SlotId::b);
    ASSERT_TRUE(seal && *seal);
    EXPECT_EQ((*seal)->commit, release.commit);
    run({"e2fsck", "-fn", node("b")});
  }
  void expect_refused(const Status& status, Errc code, const std::string& because) {
    ASSERT_FALSE(status) << because;
    EXPECT_EQ(static_cast<int>(status.error().code), static_cast<int>(code)) << status.error().what;
    EXPECT_NE(status.error().what.find(because), std::string::npos) << status.error().what;
  }
  // Slot b as somebody with a screwdriver sees it.
  void in_slot_b(const std::function<void(const fs::path&)>& look, const char* type = "ext4") {
    const Mount mount(node("b"), dir_.path() + "/look", type);
    look(dir_.path() + "/look");
  }
  // On the device itself, past any filesystem.
  void overwrite_b(off_t at, const std::string& bytes) const {
    const Fd device(::open(node("b").c_str(), O_WRONLY | O_CLOEXEC));
    EXPECT_EQ(::pwrite(device.get(), bytes.data(), bytes.size(), at),
              static_cast<ssize_t>(bytes.size()));
    EXPECT_EQ(::fsync(device.get()), 0);
  }

  inline static std::string missing_;
  const SlotsConfig nothing_carried_;
  ScratchDir dir_;
  std::optional<Mount> dev_;
  std::optional<LoopDevice> workshop_device_, a_, b_;
  std::optional<Mount> workshop_, mounted_a_, mounted_run_, mounted_dev_;
  std::optional<ArchiveRepository> repository_;
  std::optional<RootDir> root_;
  std::optional<OstreeSlotStore> store_;
  Release old_, new_;
};

TEST_F(SlotDevices, AFreshDeviceGetsAFilesystemAndExactlyTheRelease) {
  EXPECT_EQ(store_->booted().value(), SlotId::a);
  expect_installs(new_);
  EXPECT_TRUE(check_loader_readable(node("b")));
  in_slot_b([&](const fs::path& b) {
    EXPECT_EQ(get(b / "etc/machine-id"), "0123\n");
    auto there = described(b);
    there.erase("/etc/machine-id");
    EXPECT_EQ(there, described(tree_of(new_)));
    EXPECT_TRUE(fs::equivalent(b / "usr/bin/tool", b / "usr/bin/tool-too"));
  });
}

TEST_F(SlotDevices, AnUpdateOverAnOlderReleaseLeavesACleanFilesystem) {
  expect_installs(old_);
  expect_installs(new_);
  in_slot_b([&](const fs::path& b) { EXPECT_EQ(get(b / "usr/bin/tool"), "tool 2.0.0"); });
}

TEST_F(SlotDevices, ADamagedSuperblockIsMadeAnew) {
  expect_installs(old_);
  overwrite_b(1024 + 4, std::string(200, '\xff'));
  EXPECT_FALSE(store_->seal_of(SlotId::b).value());
  expect_installs(new_);
}

TEST_F(SlotDevices, AFilesystemWithNotedDamageIsMadeAnew) {
  run({"mkfs.ext4", "-q", "-O", "^metadata_csum", node("b")});
  overwrite_b(1024 + 0x3A, std::string(1, '\x03'));
  EXPECT_EQ(check_loader_readable(node("b")).error().code, Errc::corrupt);
  expect_installs(new_);
}

TEST_F(SlotDevices, WhatOnlyMemoryHasDoesNotCount) {
  ASSERT_TRUE(make_ext4(node("b"), "test-b"));
  const Mount mounted(node("b"), dir_.path() + "/look", "ext4");
  const auto slot = RootDir::open(dir_.path() + "/look").value();
  ASSERT_TRUE(install_in_folder(slot, new_, source(), quiet));
  const SlotTree tree(slot, nothing_carried_);
  std::vector<ObjectId> damaged;
  ASSERT_TRUE(tree.verify(new_, quiet, damaged));
  const auto file = slot.join("usr/bin/su");
  EXPECT_EQ(get(file), "becomes root 2.0.0");
  const auto at = get(dir_.path() + "/b.img").find("becomes root 2.0.0");
  ASSERT_NE(at, std::string::npos);
  overwrite_b(static_cast<off_t>(at), "B");
  EXPECT_EQ(get(file), "becomes root 2.0.0") << "memory still has what the device has lost";
  expect_refused(tree.verify(new_, quiet, damaged), Errc::corrupt, "/usr/bin/su");
  EXPECT_EQ(damaged.size(), 1U);
}

// What is copied from the running slot is written by us, holes and all.
TEST_F(SlotDevices, TheLoaderReadsHoles) {
  expect_installs(old_);
  in_slot_b([&](const fs::path& b) {
    struct stat st {};
    ASSERT_EQ(::stat((b / "boot/initrd.img").c_str(), &st), 0);
    EXPECT_LT(st.st_blocks * 512, st.st_size);
  });
  run({"grub-fstest", dir_.path() + "/b.img", "cmp", "/boot/initrd.img",
       (tree_of(old_) / "boot/initrd.img").string()});
}

class SlotDevicesXfs : public SlotDevices {
 protected:
  void SetUp() override {
    SlotDevices::SetUp();
    if (IsSkipped() || HasFailure()) return;
    b_.reset();
    b_.emplace(dir_.path() + "/b.img", 320 * mib, node("b"));
  }
};

TEST_F(SlotDevicesXfs, WhatAnXfsHoldsCountsAsRoom) {
  run({"mkfs.xfs", "-q", "-f", "-i", "nrext64=0", node("b")});
  ASSERT_TRUE(install(old_));
  auto large = new_;
  in_slot_b(
      [&](const fs::path& b) {
        const auto space = fs::space(b);
        run({"fallocate", "-l", std::to_string(space.free - 8 * mib),
             (b / "usr/share/filler").string()});
        large.tree_bytes = space.free / 2;
      },
      "xfs");
  const auto status = install(large);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_TRUE(store_->seal_of(SlotId::b).value());
  char magic[5] = {};
  std::ifstream(dir_.path() + "/b.img", std::ios::binary).read(magic, 4);
  EXPECT_STREQ(magic, "XFSB");
}

TEST_F(SlotDevicesXfs, CopiesShareBlocksAndTheLoaderReadsHoles) {
  run({"mkfs.xfs", "-q", "-f", "-i", "nrext64=0", node("b")});
  const auto status = install(old_);
  ASSERT_TRUE(status) << status.error().what;
  in_slot_b(
      [&](const fs::path& b) {
        EXPECT_EQ(described(b)["/etc/secret"], described(tree_of(old_))["/etc/secret"]);
        const auto extents = spawn({"filefrag", "-v", (b / "etc/secret").string()});
        ASSERT_TRUE(extents);
        EXPECT_NE(extents->output.find("shared"), std::string::npos) << extents->output;
      },
      "xfs");
  run({"grub-fstest", dir_.path() + "/b.img", "cmp", "/boot/initrd.img",
       (tree_of(old_) / "boot/initrd.img").string()});
}

TEST_F(SlotDevices, FeaturesThatAppearAfterFillingAreRefusedBeforeTheSeal) {
  ASSERT_TRUE(fill(new_));
  ASSERT_TRUE(store_->verify(SlotId::b, new_, quiet));
  run({"tune2fs", "-O", "metadata_csum_seed", node("b")});
  expect_refused(store_->seal(SlotId::b, new_, 1), Errc::cannot_arm, "GRUB cannot read");
  EXPECT_FALSE(store_->seal_of(SlotId::b).value());
}

TEST_F(SlotDevices, AnotherNameOfTheRunningRootIsNeverWritten) {
  ASSERT_EQ(::mknod(node("other-name").c_str(), S_IFBLK | 0600, a_->number()), 0);
  fs::create_symlink("a", node("link"));
  const Mount bind(root_path(), dir_.path() + "/bound", nullptr, MS_BIND);
  for (const std::string name : {"/dev/a", "/dev/other-name", "/dev/link"}) {
    OstreeSlotStore same(*root_, {"/dev/a", name, {}});
    expect_refused(same.unseal(SlotId::b), Errc::cannot_arm, "one and the same");
    expect_refused(same.fill(SlotId::b, new_, source(), quiet), Errc::cannot_arm,
                   "one and the same");
    OstreeSlotStore swapped(*root_, {"/dev/b", name, {}});
    EXPECT_EQ(swapped.booted().value(), SlotId::b) << name;
    expect_refused(swapped.unseal(SlotId::b), Errc::bug, "is the running one");
    expect_refused(swapped.fill(SlotId::b, new_, source(), quiet), Errc::bug, "is the running one");
  }
  const auto through_bind = RootDir::open(dir_.path() + "/bound").value();
  EXPECT_TRUE(read_seal(through_bind).value()) << "untouched";
}

TEST_F(SlotDevices, ASlotThatIsMountedElsewhereIsNotWritten) {
  expect_installs(old_);
  ASSERT_EQ(::mknod(node("other-name").c_str(), S_IFBLK | 0600, b_->number()), 0);
  const Mount elsewhere(node("other-name"), dir_.path() + "/elsewhere", "ext4");
  EXPECT_TRUE(store_->seal_of(SlotId::b).value()) << "it may be looked at";
  expect_refused(store_->unseal(SlotId::b), Errc::busy, "mounted elsewhere");
  expect_refused(store_->fill(SlotId::b, new_, source(), quiet), Errc::busy, "mounted elsewhere");
  EXPECT_TRUE(fs::exists(dir_.path() + "/elsewhere/.cube/seal"));
}

TEST_F(SlotDevices, AMountThatAKilledRunLeftIsTakenDown) {
  expect_installs(old_);
  const std::string place = root_path() + "/run/cube-update/slot-b";
  ASSERT_EQ(::mount(node("b").c_str(), place.c_str(), "ext4", 0, nullptr), 0);
  expect_installs(new_);
}

TEST_F(SlotDevices, WhatIsNoBlockDeviceIsRefused) {
  put(node("file"), "x");
  ASSERT_EQ(::mknod(node("null").c_str(), S_IFCHR | 0600, makedev(1, 3)), 0);
  for (const std::string name : {"/dev/file", "/dev/null", "/dev"}) {
    OstreeSlotStore store(*root_, {"/dev/a", name, {}});
    expect_refused(store.unseal(SlotId::b), Errc::cannot_arm, "is no block device");
  }
  OstreeSlotStore store(*root_, {"/dev/a", "/dev/not-there", {}});
  expect_refused(store.unseal(SlotId::b), Errc::cannot_arm, "does not exist");
}

TEST_F(SlotDevices, DamageOnTheDeviceAfterTheSealIsFound) {
  expect_installs(new_);
  const auto image = get(dir_.path() + "/b.img");
  const auto at = image.find("becomes root 2.0.0");
  ASSERT_NE(at, std::string::npos);
  overwrite_b(static_cast<off_t>(at), "B");
  expect_refused(store_->verify(SlotId::b, new_, quiet), Errc::corrupt, "damaged file");
  const auto seal = image.find("release=CUBE_2.0.0");
  ASSERT_NE(seal, std::string::npos);
  overwrite_b(static_cast<off_t>(seal), "R");
  EXPECT_FALSE(store_->seal_of(SlotId::b).value()) << "a damaged seal is no seal";
}

}  // namespace
}  // namespace cube
