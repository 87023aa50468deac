// What a release itself wants to be carried over: the list, and a slot that is filled by it.
#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "slots/ostree/compose/compose.h"
#include "slots/ostree/folder_slot.h"
#include "slots/ostree/ostree_slot_store.h"
#include "slots/persist_list.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Paths = std::vector<std::string>;

const ProgressSink quiet = [](const Progress&) {};

TEST(PersistList, PathsCommentsAndNothingElse) {
  EXPECT_EQ(parse_persist_list("# state\n/var/lib/chrony\nvar/lib/db/\n\r\nroot/.ssh \netc/x y\n")
                .value(),
            (Paths{"var/lib/chrony", "var/lib/db", "root/.ssh", "etc/x y"}));
  EXPECT_EQ(parse_persist_list("").value(), Paths());
  for (const std::string wrong :
       {"usr/bin", "/", "var", "etc/", "..", "var/../usr/bin", "var//lib", "var/./lib",
        "boot/vmlinuz", ".cube/seal", "ostree/repo", "etc/\033[31m", " var/lib", "etcetera/x"})
    EXPECT_EQ(parse_persist_list(wrong).error().code, Errc::corrupt) << wrong;
  std::string many;
  for (std::size_t i = 0; i < max_persisted; ++i) many += "var/" + std::to_string(i) + "\n";
  EXPECT_EQ(parse_persist_list(many)->size(), max_persisted);
  EXPECT_FALSE(parse_persist_list(many + "var/more\n"));
}

TEST(PersistList, ANewSlotTakesWhatItsReleaseAsksFor) {
  const ScratchDir dir;
  auto repository = ArchiveRepository::create(dir.path() + "/source").value();
  const ObjectSource source{"file://" + dir.path() + "/source"};
  std::vector<Release> releases;
  for (const std::string version : {"1.0.0", "2.0.0"}) {
    const fs::path tree = dir.path() + "/tree-" + version;
    put(tree / "boot/vmlinuz", "kernel");
    put(tree / "boot/initrd.img", "initramfs");
    put(tree / "etc/plain.conf", "plain");
    put(tree / "var/lib/db/state", "factory");
    put(tree / "var/lib/other/state", "factory");
    if (version == "2.0.0") put(tree / "usr/lib/cube-update/persist", "var/lib/db\n");
    const auto made = repository.commit_tree(tree, {version, 1'700'000'000, false, {}}).value();
    Release release;
    release.name = ReleaseName::parse("CUBE_" + version + "_20260101-0000_abcd1234").value();
    release.commit = made.commit;
    release.manifest_sha256 = std::string(63, 'a') + version[0];
    release.tree_bytes = made.tree_bytes;
    release.tree_inodes = made.tree_inodes;
    releases.push_back(release);
  }
  const std::string root_path = dir.path() + "/root";
  fs::create_directories(root_path + "/run/cube-update");
  fs::create_directory_symlink("/slots/a", root_path + "/run/cube-update/root");
  fs::create_directories(root_path + "/slots/a");
  fs::create_directories(root_path + "/slots/b");
  const auto root = RootDir::open(root_path).value();
  ASSERT_TRUE(install_in_folder(root.below("slots/a").value(), releases[0], source, quiet));
  for (const std::string name : {"db", "other"})
    put(root_path + "/slots/a/var/lib/" + name + "/state", "lived");

  OstreeSlotStore store(root, {"dir:slots/a", "dir:slots/b", {}, true, EtcSide::local});
  ASSERT_TRUE(store.fill(SlotId::b, releases[1], source, quiet));
  EXPECT_EQ(get(root_path + "/slots/b/var/lib/db/state"), "lived");
  EXPECT_EQ(get(root_path + "/slots/b/var/lib/other/state"), "factory");
  const auto verified = store.verify(SlotId::b, releases[1], quiet);
  EXPECT_TRUE(verified) << verified.error().what;
  // The list is the release's: a longer one excuses nothing.
  fs::remove(root_path + "/slots/b/usr/lib/cube-update/persist");
  put(root_path + "/slots/b/usr/lib/cube-update/persist", "var/lib/db\nvar/lib/other\n");
  EXPECT_EQ(store.verify(SlotId::b, releases[1], quiet).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
