// Initramfs images and kernel modules that a release holds uncompressed.
#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <memory>

#include "slots/initramfs/contents.h"
#include "slots/initramfs/decompress.h"
#include "slots/initramfs/expand.h"
#include "slots/ostree/compose/compose.h"
#include "slots/ostree/compose/expanded_members.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

std::string hex(std::size_t number) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08zx", number);
  return digits;
}

std::string padded(std::string bytes) {
  bytes.resize((bytes.size() + 3) / 4 * 4, '\0');
  return bytes;
}

std::string member(const std::string& name, const std::string& content) {
  std::string header = "070701";
  for (const std::size_t field :
       {std::size_t{1}, std::size_t{0100644}, std::size_t{0}, std::size_t{0}, std::size_t{1},
        std::size_t{0}, content.size(), std::size_t{0}, std::size_t{0}, std::size_t{0},
        std::size_t{0}, name.size() + 1, std::size_t{0}})
    header += hex(field);
  return padded(header + name + '\0') + padded(content);
}

std::string cpio(const std::string& name, const std::string& content) {
  return member(name, content) + member("TRAILER!!!", "");
}

using Filter = int (*)(archive*);

std::string compressed(const std::string& bytes, Filter filter) {
  std::string out(bytes.size() + 65536, '\0');
  std::size_t used = 0;
  archive* a = archive_write_new();
  filter(a);
  archive_write_set_format_raw(a);
  archive_write_set_bytes_in_last_block(a, 1);  // no padding
  archive_write_open_memory(a, out.data(), out.size(), &used);
  archive_entry* entry = archive_entry_new();
  archive_entry_set_filetype(entry, AE_IFREG);
  archive_write_header(a, entry);
  archive_write_data(a, bytes.data(), bytes.size());
  archive_entry_free(entry);
  archive_write_close(a);
  archive_write_free(a);
  return out.substr(0, used);
}

const std::vector<std::pair<std::string, Filter>>& filters() {
  static const std::vector<std::pair<std::string, Filter>> all{
      {"gzip", archive_write_add_filter_gzip},
      {"xz", archive_write_add_filter_xz},
      {"zstd", archive_write_add_filter_zstd},
      {"lz4", archive_write_add_filter_lz4}};
  return all;
}

class ExpandTest : public testing::Test {
 protected:
  struct Outcome {
    Result<bool> expanded;
    std::string bytes;
  };

  Outcome expand(const std::string& image) {
    put(dir_.path() + "/image", image);
    std::filesystem::remove(dir_.path() + "/out");
    const auto from = open_member(dir_.path() + "/image").value();
    const auto to = create_member(dir_.path() + "/out").value();
    auto expanded = expand_initramfs(from, to, "/boot/initrd.img");
    return {std::move(expanded), get(dir_.path() + "/out")};
  }

  void expect_refused(const std::string& image, const std::string& says) {
    const auto outcome = expand(image);
    ASSERT_FALSE(outcome.expanded) << says;
    EXPECT_EQ(outcome.expanded.error().code, Errc::invalid);
    EXPECT_NE(outcome.expanded.error().what.find(says), std::string::npos)
        << outcome.expanded.error().what;
  }

  ScratchDir dir_;
  const std::string early_ = cpio("kernel/x86/microcode/GenuineIntel.bin", std::string(4001, 'm'));
  const std::string main_ = cpio("init", std::string(70'001, 'i'));
};

TEST_F(ExpandTest, EveryKindIsExpanded) {
  for (const auto& [name, filter] : filters()) {
    const auto outcome = expand(compressed(main_, filter));
    ASSERT_TRUE(outcome.expanded) << name << ": " << outcome.expanded.error().what;
    EXPECT_TRUE(*outcome.expanded);
    EXPECT_EQ(outcome.bytes, main_) << name;
  }
}

TEST_F(ExpandTest, ArchivesBeforeAndBehindStayAndAreAligned) {
  const std::string early = early_ + std::string(512, '\0');
  for (const auto& [name, filter] : filters()) {
    auto outcome = expand(early + compressed(main_, filter) + std::string(512, '\0'));
    if (!outcome.expanded) continue;  // zeros behind it are damage to some
    outcome.bytes.resize(early.size() + main_.size() + 512, '\0');  // to others a part of it
    EXPECT_EQ(outcome.bytes, early + main_ + std::string(512, '\0')) << name;
  }
  const auto squeezed = compressed(main_, archive_write_add_filter_gzip);
  const auto outcome = expand(early + padded(squeezed) + early_);
  ASSERT_TRUE(outcome.expanded) << outcome.expanded.error().what;
  const std::string gap =
      outcome.bytes.substr(early.size() + main_.size(),
                           outcome.bytes.size() - early.size() - main_.size() - early_.size());
  EXPECT_EQ(gap, padded(std::string(padded(squeezed).size() - squeezed.size(), '\0')));
  EXPECT_EQ(outcome.bytes, early + main_ + gap + early_);
}

TEST_F(ExpandTest, ContentsAreThoseOfAllArchivesHoweverCompressed) {
  const std::string root = "usr/lib/modules/6.1.0-42/kernel/";
  const std::string image =
      member("./" + root + "virtio-blk.ko.xz", "x") + member(root + "dm_mod.ko", "") +
      member("lib/firmware/a/b.bin.zst", "y") + member("lib/modules/6.1.0-42/modules.dep", "") +
      member("etc/virtio_scsi.ko", "") + member("TRAILER!!!", "");
  for (const auto& [name, filter] : filters()) {
    put(dir_.path() + "/image", cpio("lib/firmware/early", "") + compressed(image, filter));
    std::filesystem::remove(dir_.path() + "/out");
    const auto from = open_member(dir_.path() + "/image").value();
    const auto to = create_member(dir_.path() + "/out").value();
    const auto contents = initramfs_contents(from, to, "/boot/initrd.img");
    ASSERT_TRUE(contents) << name << ": " << contents.error().what;
    EXPECT_EQ(contents->modules, (std::set<std::string>{"dm_mod", "virtio_blk"})) << name;
    EXPECT_EQ(contents->firmware, (std::set<std::string>{"a/b.bin", "early"})) << name;
    EXPECT_TRUE(contents->has_module("virtio-blk"));
  }
}

TEST_F(ExpandTest, NothingCompressedIsNoExpansion) {
  const auto outcome = expand(early_ + main_);
  ASSERT_TRUE(outcome.expanded);
  EXPECT_FALSE(*outcome.expanded);
  EXPECT_EQ(outcome.bytes, early_ + main_);
}

TEST_F(ExpandTest, NoByteIsLostInSilence) {
  for (const auto& [name, filter] : filters()) {
    const auto outcome = expand(compressed(main_, filter) + early_);
    if (outcome.expanded)
      EXPECT_EQ(outcome.bytes, main_ + early_) << name;
    else
      EXPECT_EQ(outcome.expanded.error().code, Errc::invalid) << name;
  }
}

TEST_F(ExpandTest, ACutOffImageIsRefusedWhereverItIsCut) {
  const std::string early = cpio("early", "e"), main = cpio("init", "a few bytes, and a few more");
  for (const auto& [name, filter] : filters()) {
    const auto image = early + compressed(main, filter);
    for (std::size_t length = 1; length < image.size(); ++length) {
      if (length == early.size()) continue;  // whole by itself
      EXPECT_FALSE(expand(image.substr(0, length)).expanded) << name << " " << length;
    }
  }
}

TEST_F(ExpandTest, WhatIsNoInitramfsIsRefused) {
  expect_refused("", "no cpio archive");
  expect_refused("initramfs", "neither cpio nor compressed");
  expect_refused("BZh9 and so on", "neither cpio nor compressed");
  expect_refused(compressed("a script", archive_write_add_filter_gzip), "damaged cpio archive");
  expect_refused(
      compressed(compressed(main_, archive_write_add_filter_xz), archive_write_add_filter_gzip),
      "compressed twice");
  auto odd = member("init", "x");
  odd.replace(54, 8, "zzzzzzzz");
  expect_refused(odd, "damaged cpio archive");
  odd = member("init", "x");
  odd.replace(54, 8, "ffffffff");
  expect_refused(odd, "cut off");
}

TEST_F(ExpandTest, ABombIsRefused) {
  put(dir_.path() + "/bomb",
      compressed(std::string(40'000'000, '\0'), archive_write_add_filter_xz));
  const auto from = open_member(dir_.path() + "/bomb").value();
  const auto to = create_member(dir_.path() + "/out").value();
  const auto end = decompress(from, 0, to, 1'000'000, "/boot/initrd.img");
  ASSERT_FALSE(end);
  EXPECT_EQ(end.error().code, Errc::invalid);
  EXPECT_NE(end.error().what.find("more than"), std::string::npos) << end.error().what;
  EXPECT_LE(std::filesystem::file_size(dir_.path() + "/out"), 1'000'000u);
}

TEST_F(ExpandTest, ALinkToACompressedModuleIsRefused) {
  const std::string modules = dir_.path() + "/tree/lib/modules/6.1/";
  put(modules + "extra/a.ko.xz", compressed("\x7f"
                                            "ELF and so on",
                                            archive_write_add_filter_xz));
  std::filesystem::create_symlink("extra/a.ko.xz", modules + "b.ko.xz");
  std::filesystem::create_directories(dir_.path() + "/scratch");
  const auto members =
      expand_members(dir_.path() + "/tree", {false, true}, dir_.path() + "/scratch");
  ASSERT_FALSE(members);
  EXPECT_NE(members.error().what.find("b.ko.xz: is a link"), std::string::npos)
      << members.error().what;
}

TEST_F(ExpandTest, AModuleThatIsNoneIsRefused) {
  put(dir_.path() + "/tree/lib/modules/6.1/a.ko.gz",
      compressed("text", archive_write_add_filter_gzip));
  std::filesystem::create_directories(dir_.path() + "/scratch");
  const auto members =
      expand_members(dir_.path() + "/tree", {false, true}, dir_.path() + "/scratch");
  ASSERT_FALSE(members);
  EXPECT_NE(members.error().what.find("no kernel module"), std::string::npos)
      << members.error().what;
}

TEST_F(ExpandTest, TheTreeIsOnlyReadAndTheCommitIsTheSameAgain) {
  const std::string tree = dir_.path() + "/tree", image = tree + "/boot/initrd.img";
  put(tree + "/boot/vmlinuz", "kernel");
  const auto squeezed = compressed(main_, archive_write_add_filter_zstd);
  put(image, squeezed);
  const auto written = std::filesystem::last_write_time(image);
  auto repository = ArchiveRepository::create(dir_.path() + "/repository").value();
  const ComposeOptions options{"r", 1, false, {true, true}};
  const auto first = repository.commit_tree(tree, options);
  ASSERT_TRUE(first) << first.error().what;
  EXPECT_EQ(repository.commit_tree(tree, options)->commit, first->commit);
  EXPECT_EQ(get(image), squeezed);
  EXPECT_EQ(std::filesystem::last_write_time(image), written);
  EXPECT_EQ(first->tree_bytes, main_.size() + 6);
  for (const auto& left : std::filesystem::directory_iterator(dir_.path() + "/repository/tmp"))
    EXPECT_FALSE(left.path().filename().string().starts_with("compose-")) << left.path();
  // The same release as of a tree that holds the image uncompressed.
  put(image, main_);
  EXPECT_EQ(repository.commit_tree(tree, {"r", 1, false})->commit, first->commit);
}

}  // namespace
}  // namespace cube
