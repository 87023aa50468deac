// The slot store over real libostree repositories, on an appliance laid out in a folder.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <map>

#include "slots/make_filesystem.h"
#include "slots/ostree/compose/compose.h"
#include "slots/ostree/folder_slot.h"
#include "slots/ostree/ostree_slot_store.h"
#include "slots/seal_file.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

// Path -> type, mode and content of a whole tree.
std::map<std::string, std::string> snapshot(const fs::path& top) {
  std::map<std::string, std::string> all;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    struct stat st {};
    ::lstat(entry.path().c_str(), &st);
    std::string value = std::to_string(st.st_mode);
    if (S_ISREG(st.st_mode)) value += get(entry.path());
    if (S_ISLNK(st.st_mode)) value += fs::read_symlink(entry.path()).string();
    all[entry.path().string().substr(top.string().size())] = value;
  }
  return all;
}

const ProgressSink quiet = [](const Progress&) {};

class SlotsTest : public testing::Test {
 protected:
  void SetUp() override {
    repository_.emplace(ArchiveRepository::create(dir_.path() + "/source").value());
    old_ = compose("1.0.0", "old");
    new_ = compose("2.0.0", "new");
    put(dir_.path() + "/root/run/placeholder", "");
    fs::create_directories(dir_.path() + "/root/run/cube-update");
    fs::create_directory_symlink("/slots/a", dir_.path() + "/root/run/cube-update/root");
    fs::create_directories(slot("a"));
    fs::create_directories(slot("b"));
    root_.emplace(RootDir::open(dir_.path() + "/root").value());
    const auto a = root_->below("slots/a").value();
    ASSERT_TRUE(install_in_folder(a, old_, source(), quiet));
    put(slot("a") / "etc/machine-id", "0123\n");
    store_.emplace(*root_, config());
  }

  static SlotsConfig config() { return {"dir:slots/a", "dir:slots/b", {"etc/machine-id", "etc/ssh"}}; }
  fs::path slot(const std::string& name) const { return fs::path(dir_.path()) / "root/slots" / name; }
  ObjectSource source() const { return {"file://" + dir_.path() + "/source"}; }

  Release compose(const std::string& version, const std::string& mark) {
    const fs::path tree = dir_.path() + "/tree-" + version;
    put(tree / "boot/vmlinuz", "kernel " + mark);
    put(tree / "boot/initrd.img", "initramfs " + mark);
    put(tree / "usr/bin/tool", "tool " + mark);
    put(tree / "usr/bin/same", "the same in both");
    put(tree / ("usr/lib/modules/6.1." + mark + "/modules.dep"), "");
    put(tree / "etc/os-release", "VERSION=" + version);
    put(tree / "etc/empty", "");
    put(tree / "var/lib/state", "factory");
    put(tree / "proc/left-out", "x");
    fs::create_directories(tree / "run");
    fs::create_symlink("usr/bin", tree / "bin");
    ::chmod((tree / "usr/bin/tool").c_str(), 0755);
    return release_of(repository_->commit_tree(tree, {version, 1'700'000'000, false}).value(), version);
  }

  static Release release_of(const Composed& composed, const std::string& version) {
    Release release;
    release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
    release.commit = composed.commit;
    release.manifest_sha256 = std::string(63, 'a') + version[0];
    release.tree_bytes = composed.tree_bytes;
    release.tree_inodes = composed.tree_inodes;
    return release;
  }

  Status install(SlotId target, const Release& release) {
    CUBE_CHECK(store_->unseal(target));
    CUBE_CHECK(store_->fill(target, release, source(), quiet));
    CUBE_CHECK(store_->verify(target, release, quiet));
    return store_->seal(target, release, 1);
  }

  // The file of an object of that content in a slot's repository or in the source.
  static std::vector<fs::path> objects(const fs::path& repository) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(repository / "objects"))
      if (entry.is_regular_file()) files.push_back(entry.path());
    return files;
  }
  static fs::path object_with(const fs::path& repository, const std::string& content) {
    for (const auto& file : objects(repository))
      if (get(file) == content) return file;
    return {};
  }
  // Changes bytes without changing the length, as a bad disk does.
  static void damage(const fs::path& file) {
    ::chmod(file.c_str(), 0644);
    std::fstream out(file, std::ios::binary | std::ios::in | std::ios::out);
    out.seekp(2);
    out << '!';
  }

  ScratchDir dir_;
  std::optional<ArchiveRepository> repository_;
  std::optional<RootDir> root_;
  std::optional<OstreeSlotStore> store_;
  Release old_, new_;
};

TEST_F(SlotsTest, AReleaseFillsTheOtherSlotAndLeavesTheBootedOneAlone) {
  const auto before = snapshot(slot("a"));
  EXPECT_EQ(store_->booted().value(), SlotId::a);
  const auto status = install(SlotId::b, new_);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(get(slot("b") / "usr/bin/tool"), "tool new");
  EXPECT_EQ(get(slot("b") / "etc/os-release"), "VERSION=2.0.0");
  EXPECT_EQ(get(slot("b") / "etc/machine-id"), "0123\n") << "carried over";
  EXPECT_FALSE(fs::exists(slot("b") / "proc/left-out"));
  EXPECT_EQ(store_->seal_of(SlotId::b).value()->release, new_.name.text);
  EXPECT_EQ(snapshot(slot("a")), before);
}

TEST_F(SlotsTest, UsrIsLinkedAndEtcIsCopied) {
  ASSERT_TRUE(install(SlotId::b, new_));
  EXPECT_GT(fs::hard_link_count(slot("b") / "usr/bin/tool"), 1U);
  EXPECT_EQ(fs::hard_link_count(slot("b") / "etc/os-release"), 1U);
  EXPECT_EQ(fs::hard_link_count(slot("b") / "var/lib/state"), 1U);
}

TEST_F(SlotsTest, FillingAgainReplacesEverything) {
  ASSERT_TRUE(install(SlotId::b, old_));
  put(slot("b") / "usr/bin/leftover", "x");
  put(slot("b") / "etc/os-release", "changed while it ran");
  ASSERT_TRUE(install(SlotId::b, new_));
  EXPECT_FALSE(fs::exists(slot("b") / "usr/bin/leftover"));
  EXPECT_EQ(get(slot("b") / "etc/os-release"), "VERSION=2.0.0");
  EXPECT_TRUE(object_with(slot("b") / "ostree/repo", "tool old").empty()) << "old objects are gone";
}

// Path -> inode and time of its last change, of any kind.
std::map<std::string, std::pair<ino_t, std::int64_t>> untouched(const fs::path& top) {
  std::map<std::string, std::pair<ino_t, std::int64_t>> all;
  for (const auto& entry : fs::recursive_directory_iterator(top)) {
    struct stat st {};
    ::lstat(entry.path().c_str(), &st);
    all[entry.path().string().substr(top.string().size())] = {
        st.st_ino, st.st_ctim.tv_sec * 1'000'000'000 + st.st_ctim.tv_nsec};
  }
  return all;
}

TEST_F(SlotsTest, WhatIsRightAlreadyIsNotTouched) {
  ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet));
  const auto before = untouched(slot("b"));
  ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet));
  const auto after = untouched(slot("b"));
  std::size_t compared = 0;
  for (const auto& [path, state] : before) {
    // What was carried over is copied anew, and libostree keeps notes of its own.
    const bool theirs = path == "/etc" || path == "/etc/machine-id" || path == "/ostree/repo" ||
                        path.starts_with("/ostree/repo/tmp") || path == "/ostree/repo/config" ||
                        path.starts_with("/ostree/repo/state");
    if (theirs) continue;
    ++compared;
    ASSERT_TRUE(after.count(path)) << path;
    EXPECT_EQ(after.at(path), state) << path;
  }
  EXPECT_GT(compared, 20U);
}

TEST_F(SlotsTest, WhateverTheTreeHasBecomeItIsPutRight) {
  ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet));
  const auto b = slot("b");
  const auto release = snapshot(b / "usr");
  const auto change = [&](const std::string& what, const std::function<void()>& break_it) {
    break_it();
    auto status = store_->fill(SlotId::b, new_, source(), quiet);
    ASSERT_TRUE(status) << what << ": " << status.error().what;
    status = store_->verify(SlotId::b, new_, quiet);
    ASSERT_TRUE(status) << what << ": " << status.error().what;
    EXPECT_EQ(snapshot(b / "usr"), release) << what;
  };
  change("a file is a folder", [&] {
    fs::remove(b / "usr/bin/same");
    put(b / "usr/bin/same/deep/file", "x");
  });
  change("a folder is a file", [&] {
    fs::remove_all(b / "usr/lib");
    put(b / "usr/lib", "x");
  });
  change("a folder is a link out of the slot", [&] {
    fs::remove_all(b / "usr/lib");
    fs::create_directory_symlink("/", b / "usr/lib");
  });
  change("a link is a folder", [&] {
    fs::remove(b / "bin");
    put(b / "bin/tool", "x");
  });
  change("a link leads elsewhere", [&] {
    fs::remove(b / "bin");
    fs::create_symlink("/etc", b / "bin");
  });
  change("another file with the same content", [&] {
    fs::rename(b / "usr/bin/same", b / "usr/bin/moved");
    put(b / "usr/bin/same", "the same in both");
  });
  change("a copy shares its object's inode", [&] {
    const auto object = object_with(b / "ostree/repo", "VERSION=2.0.0");
    fs::remove(b / "etc/os-release");
    fs::create_hard_link(object, b / "etc/os-release");
  });
  EXPECT_EQ(fs::hard_link_count(b / "etc/os-release"), 1U);
  change("a copy was written to", [&] { put(b / "etc/os-release", "VERSION=2.0.1"); });
  change("all of it is missing", [&] {
    for (const auto* name : {"usr", "etc", "var", "boot", "bin"}) fs::remove_all(b / name);
  });
  change("it was never finished", [&] { fs::remove_all(b / "var"); });
  if (::geteuid() != 0) return;
  change("modes", [&] {
    ::chmod((b / "usr/bin").c_str(), 0700);
    ::chmod(b.c_str(), 0700);
    ::chmod((b / "etc/os-release").c_str(), 0600);
  });
  change("owners", [&] {
    ASSERT_EQ(::chown((b / "usr").c_str(), 1, 2), 0);
    ASSERT_EQ(::chown((b / "etc/os-release").c_str(), 1, 2), 0);
  });
  change("extended attributes", [&] {
    ASSERT_EQ(::setxattr((b / "usr").c_str(), "user.test", "x", 1, 0), 0);
    ASSERT_EQ(::setxattr((b / "etc/os-release").c_str(), "user.test", "x", 1, 0), 0);
  });
}

TEST_F(SlotsTest, AFileWithTooManyLinksIsCopied) {
  ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet));
  const auto object = object_with(slot("b") / "ostree/repo", "the same in both");
  const auto most = ::pathconf(object.c_str(), _PC_LINK_MAX);
  if (most <= 0 || most > 70000) GTEST_SKIP() << "the filesystem of the tests has no such limit";
  fs::remove(slot("b") / "usr/bin/same");
  fs::create_directories(slot("b") / "ostree/links");
  for (auto count = fs::hard_link_count(object); count < static_cast<std::uintmax_t>(most); ++count)
    fs::create_hard_link(object, slot("b") / "ostree/links" / std::to_string(count));
  const auto status = install(SlotId::b, new_);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(get(slot("b") / "usr/bin/same"), "the same in both");
  EXPECT_EQ(fs::hard_link_count(slot("b") / "usr/bin/same"), 1U);
}

TEST_F(SlotsTest, TheBootedSlotAndASealedOneAreRefused) {
  const auto before = snapshot(slot("a"));
  EXPECT_EQ(store_->unseal(SlotId::a).error().code, Errc::bug);
  EXPECT_EQ(store_->fill(SlotId::a, new_, source(), quiet).error().code, Errc::bug);
  EXPECT_EQ(store_->seal(SlotId::a, new_, 1).error().code, Errc::bug);
  EXPECT_EQ(snapshot(slot("a")), before);
  ASSERT_TRUE(install(SlotId::b, new_));
  EXPECT_EQ(store_->fill(SlotId::b, old_, source(), quiet).error().code, Errc::bug);
}

TEST_F(SlotsTest, TheBootedSlotIsToldByWhatItIsNotByItsName) {
  fs::remove(dir_.path() + "/root/run/cube-update/root");
  fs::create_directory_symlink("/slots/b", dir_.path() + "/root/run/cube-update/root");
  EXPECT_EQ(store_->booted().value(), SlotId::b);
  EXPECT_EQ(store_->unseal(SlotId::b).error().code, Errc::bug);
}

TEST_F(SlotsTest, OneSlotUnderTwoNamesIsRefused) {
  fs::create_directory_symlink("a", slot("alias"));
  OstreeSlotStore store(*root_, {"dir:slots/a", "dir:slots/alias", {}});
  EXPECT_EQ(store.booted().error().code, Errc::cannot_arm);
  EXPECT_EQ(store.unseal(SlotId::b).error().code, Errc::cannot_arm);
}

TEST_F(SlotsTest, ASystemOutsideBothSlotsIsRefused) {
  fs::create_directories(slot("c"));
  fs::remove(dir_.path() + "/root/run/cube-update/root");
  fs::create_directory_symlink("/slots/c", dir_.path() + "/root/run/cube-update/root");
  EXPECT_EQ(store_->booted().error().code, Errc::cannot_arm);
}

TEST_F(SlotsTest, NoSealWithoutVerification) {
  ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet));
  EXPECT_EQ(store_->seal(SlotId::b, new_, 1).error().code, Errc::bug);
  ASSERT_TRUE(store_->verify(SlotId::b, new_, quiet));
  EXPECT_EQ(store_->seal(SlotId::b, old_, 1).error().code, Errc::bug) << "of another release";
  EXPECT_FALSE(store_->seal_of(SlotId::b).value());
  EXPECT_TRUE(store_->seal(SlotId::b, new_, 1));
}

TEST_F(SlotsTest, ASlotThatHasRunMayDifferOnlyWhereASystemWrites) {
  ASSERT_TRUE(install(SlotId::b, new_));
  const auto b = slot("b");
  put(b / "etc/os-release", "edited");
  put(b / "etc/added", "x");
  fs::remove(b / "var/lib/state");
  put(b / "root/.history", "x");
  EXPECT_EQ(store_->verify(SlotId::b, new_, quiet).error().code, Errc::corrupt);
  EXPECT_TRUE(store_->verify_after_use(SlotId::b, new_, quiet));
  EXPECT_EQ(store_->seal(SlotId::b, new_, 1).error().code, Errc::bug) << "no ground for a seal";
  const auto damaged = [&] { return store_->verify_after_use(SlotId::b, new_, quiet).error().code; };
  fs::rename(b / "usr/bin/same", b / "usr/bin/other");
  EXPECT_EQ(damaged(), Errc::corrupt) << "a file is missing";
  put(b / "usr/bin/same", "the same in bath");
  EXPECT_EQ(damaged(), Errc::corrupt) << "a file was replaced";
  fs::remove(b / "usr/bin/same");
  fs::rename(b / "usr/bin/other", b / "usr/bin/same");
  EXPECT_TRUE(store_->verify_after_use(SlotId::b, new_, quiet));
  damage(b / "usr/bin/same");
  EXPECT_EQ(damaged(), Errc::corrupt) << "an object is damaged";
}

TEST_F(SlotsTest, EveryKindOfDamageIsFoundByVerify) {
  const auto change = [&](const std::string& what, const std::function<void()>& break_it) {
    ASSERT_TRUE(store_->unseal(SlotId::b));
    ASSERT_TRUE(store_->fill(SlotId::b, new_, source(), quiet)) << what;
    break_it();
    const auto status = store_->verify(SlotId::b, new_, quiet);
    ASSERT_FALSE(status) << what;
    EXPECT_EQ(status.error().code, Errc::corrupt) << status.error().what;
    EXPECT_FALSE(store_->seal(SlotId::b, new_, 1)) << what;
  };
  const auto b = slot("b");
  change("object", [&] { damage(b / "usr/bin/tool"); });
  change("copy in /etc", [&] { damage(b / "etc/os-release"); });
  change("missing file", [&] { fs::remove(b / "usr/bin/same"); });
  change("missing folder", [&] { fs::remove_all(b / "usr/lib"); });
  change("extra file", [&] { put(b / "usr/bin/extra", "x"); });
  change("extra file in /var", [&] { put(b / "var/extra", "x"); });
  change("link elsewhere", [&] {
    fs::remove(b / "bin");
    fs::create_symlink("usr/sbin", b / "bin");
  });
  change("replaced file", [&] {
    fs::remove(b / "usr/bin/same");
    put(b / "usr/bin/same", "the sane in both");
  });
  if (::geteuid() == 0) {
    change("owner of a folder", [&] { ASSERT_EQ(::chown((b / "usr").c_str(), 1, 1), 0); });
    change("mode of the top", [&] { ::chmod(b.c_str(), 0711); });
    change("attribute of a folder",
           [&] { ASSERT_EQ(::setxattr((b / "usr").c_str(), "user.test", "x", 1, 0), 0); });
    change("attribute of a copy", [&] {
      ASSERT_EQ(::setxattr((b / "etc/os-release").c_str(), "user.test", "x", 1, 0), 0);
    });
  }
  change("other type", [&] {
    fs::remove(b / "usr/bin/same");
    fs::create_directory(b / "usr/bin/same");
  });
  if (::geteuid() == 0)
    change("mode of a copy", [&] { ::chmod((b / "etc/os-release").c_str(), 0666); });
  change("no kernel", [&] { fs::remove(b / "boot/vmlinuz"); });
}

TEST_F(SlotsTest, DamagedObjectsInTheTargetAreMended) {
  ASSERT_TRUE(install(SlotId::b, new_));
  damage(slot("b") / "usr/bin/same");
  const auto found = install(SlotId::b, new_);
  ASSERT_FALSE(found) << "what is there is reused by its name";
  EXPECT_EQ(found.error().code, Errc::corrupt);
  EXPECT_NE(found.error().what.find("(/usr/bin/same)"), std::string::npos) << found.error().what;
  const auto status = install(SlotId::b, new_);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(get(slot("b") / "usr/bin/same"), "the same in both");
}

TEST_F(SlotsTest, DamagedObjectsInTheBootedSlotAreNotCopied) {
  damage(slot("a") / "usr/bin/same");
  const auto status = install(SlotId::b, new_);
  ASSERT_TRUE(status) << status.error().what;
  EXPECT_EQ(get(slot("b") / "usr/bin/same"), "the same in both");
}

TEST_F(SlotsTest, DamageInTheSourceIsRefusedAndALaterFillSucceeds) {
  const auto files = objects(dir_.path() + "/source");
  for (std::size_t i = 0; i < files.size(); i += 4) {
    const auto& file = files[i];
    const auto whole = get(file);
    damage(file);
    auto status = install(SlotId::b, new_);
    if (!status) {
      EXPECT_FALSE(store_->seal_of(SlotId::b).value()) << file;
    }
    put(file, whole.substr(0, whole.size() / 2));
    status = install(SlotId::b, new_);
    if (!status) {
      EXPECT_FALSE(store_->seal_of(SlotId::b).value()) << file;
    }
    put(file, whole);
    ASSERT_TRUE(store_->unseal(SlotId::b));
  }
  fs::remove_all(slot("b"));
  fs::create_directories(slot("b"));
  const auto commit = dir_.path() + "/source/objects/" + new_.commit.substr(0, 2) + "/" +
                      new_.commit.substr(2) + ".commit";
  const auto whole = get(commit);
  damage(commit);
  EXPECT_FALSE(install(SlotId::b, new_));
  put(commit, whole);
  ASSERT_TRUE(install(SlotId::b, new_));
}

TEST_F(SlotsTest, NoSpaceIsToldBeforeTheFirstByte) {
  Release huge = new_;
  huge.tree_bytes = 1ULL << 55;
  const auto status = store_->fill(SlotId::b, huge, source(), quiet);
  EXPECT_EQ(status.error().code, Errc::no_space);
  EXPECT_NE(status.error().what.find("MiB"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(slot("b")));
}

TEST_F(SlotsTest, AnUnreachableSourceIsSaidSo) {
  EXPECT_EQ(store_->fill(SlotId::b, new_, {"http://127.0.0.1:9"}, quiet).error().code,
            Errc::unreachable);
}

TEST(SealFile, EveryDamageMakesItNoSeal) {
  const Seal seal{"CUBE_2.0.0_20260101-0000_abcd1234", std::string(64, 'a'), std::string(64, 'b'), 3, 7};
  const auto text = render_seal(seal);
  EXPECT_EQ(parse_seal(text).value(), seal);
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_seal(text.substr(0, length))) << length;
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto damaged = text;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    EXPECT_FALSE(parse_seal(damaged)) << at;
  }
}

TEST(MakeFilesystem, OnlyWhatTheLoaderReads) {
  const ScratchDir dir;
  const auto image = dir.path() + "/image";
  std::ofstream(image).close();
  fs::resize_file(image, 32 * 1024 * 1024);
  EXPECT_EQ(check_loader_readable(image).error().code, Errc::corrupt);
  ASSERT_TRUE(make_ext4(image, "cube-b"));
  EXPECT_TRUE(check_loader_readable(image));
  std::fstream out(image, std::ios::binary | std::ios::in | std::ios::out);
  out.seekp(1024 + 0x61);
  out << '\x22';  // metadata_csum_seed (0x2000) besides flex_bg
  out.close();
  EXPECT_EQ(check_loader_readable(image).error().code, Errc::cannot_arm);
}

TEST(Compose, RefusesWhatCannotBootAndLinksTheOnlyKernel) {
  const ScratchDir dir;
  auto repository = ArchiveRepository::create(dir.path() + "/repo").value();
  const fs::path tree = dir.path() + "/tree";
  put(tree / "usr/bin/tool", "x");
  EXPECT_EQ(repository.commit_tree(tree, {"r", 1, false}).error().code, Errc::invalid);
  put(tree / "boot/vmlinuz-6.1", "k");
  EXPECT_EQ(repository.commit_tree(tree, {"r", 1, false}).error().code, Errc::invalid);
  put(tree / "boot/initramfs-6.1.img", "i");
  const auto composed = repository.commit_tree(tree, {"r", 1, false});
  ASSERT_TRUE(composed) << composed.error().what;
  EXPECT_EQ(repository.commit_tree(tree, {"r", 1, false})->commit, composed->commit) << "reproducible";
  ASSERT_EQ(::mkfifo((tree / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(repository.commit_tree(tree, {"r", 1, false}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace cube
