// Records in the order of time, logs from files and folders, and what a slot offers to its kernel.
#include "boot/postmortem/records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "slots/kernel_modules.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class RecordsTest : public testing::Test {
 protected:
  void put(const std::string& path, const std::string& content) const {
    const fs::path place = dir_.path() + "/" + path;
    fs::create_directories(place.parent_path());
    std::ofstream(place, std::ios::binary) << content;
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
};

TEST_F(RecordsTest, PartsAreCountedBackwards) {
  EXPECT_EQ(in_order({{"dmesg-efi-1", "Panic#1 Part1\nlast\n"},
                      {"dmesg-efi-2", "Panic#1 Part2\nmiddle\n"},
                      {"dmesg-efi-10", "Panic#1 Part10\nfirst"}}),
            "first\nmiddle\nlast\n");
}

TEST_F(RecordsTest, AnOopsComesBeforeThePanicAfterIt) {
  EXPECT_EQ(in_order({{"a", "Panic#2 Part1\npanic\n"},
                      {"b", "Oops#1 Part1\noops, newer\n"},
                      {"c", "Oops#1 Part2\noops, older\n"},
                      {"console-ramoops-0", "console\n"}}),
            "console\noops, older\noops, newer\npanic\n");
}

TEST_F(RecordsTest, AnythingElseIsTextByName) {
  EXPECT_EQ(in_order({{"2", "two"}, {"1", "one\n"}}), "one\ntwo\n");
  EXPECT_EQ(in_order({{"1", "# Part\nx"}}), "# Part\nx\n");
  EXPECT_EQ(in_order({{"1", "a line with #1 Part2 in it\n"}}), "a line with #1 Part2 in it\n");
  EXPECT_EQ(in_order({{"1", "Panic#99999999999999999999 Part1\nx\n"}}),
            "Panic#99999999999999999999 Part1\nx\n");
  EXPECT_EQ(in_order({{"1", "Panic#1 Part1"}}), "");
  EXPECT_EQ(in_order({}), "");
}

TEST_F(RecordsTest, AFolderIsReadWithItsFoldersAndNotThroughLinks) {
  put("secret", "secret\n");
  put("in/a/b/dmesg.txt", "deep\n");
  put("in/a/b/c/d/e.txt", "too deep\n");
  put("in/dmesg-efi-1.enc.z", "compressed");
  put("in/console", "console\n");
  fs::create_symlink("../secret", dir_.path() + "/in/link");
  const auto log = read_log(root_, "in").value();
  EXPECT_EQ(log.text, "deep\nconsole\n");
  EXPECT_EQ(log.left_out, std::vector<std::string>{"dmesg-efi-1.enc.z"});
}

TEST_F(RecordsTest, OfALargeFileTheEndIsRead) {
  put("log", "begin\n" + std::string(max_log_bytes, 'x') + "\nend\n");
  const auto text = read_log(root_, "log").value().text;
  EXPECT_EQ(text.size(), max_log_bytes);
  EXPECT_TRUE(text.ends_with("\nend\n"));
}

TEST_F(RecordsTest, AFolderIsBounded) {
  for (std::size_t number = 0; number < max_log_records + 50; ++number)
    put("many/" + std::to_string(1000 + number), std::to_string(1000 + number) + "\n");
  const auto text = read_log(root_, "many").value().text;
  EXPECT_TRUE(text.starts_with("1050\n")) << "the newest by name are kept";
  EXPECT_TRUE(text.ends_with(std::to_string(1000 + max_log_records + 49) + "\n"));
  for (const char* name : {"large/1", "large/2"})
    put(name, std::string(max_log_bytes / 2 + 1, 'x'));
  EXPECT_LE(read_log(root_, "large").value().text.size(), max_log_bytes + 2);
}

TEST_F(RecordsTest, WhatIsNoLogIsAnError) {
  EXPECT_EQ(read_log(root_, "missing").error().code, Errc::not_found);
  ASSERT_EQ(::mkfifo((dir_.path() + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_log(root_, "pipe").error().code, Errc::corrupt);
}

TEST_F(RecordsTest, ATreeTellsItsKernelAndModules) {
  put("lib/modules/6.1.0-9-amd64/modules.dep", "");
  put("lib/modules/6.1.0-42-amd64/modules.dep",
      "kernel/drivers/scsi/megaraid/megaraid_sas.ko: kernel/lib/a.ko\nkernel/fs/xfs/xfs.ko.xz:\n");
  put("lib/modules/6.1.0-42-amd64/modules.builtin", "kernel/drivers/block/virtio-blk.ko\n");
  const auto found = kernel_modules(root_).value();
  EXPECT_EQ(found.release, "6.1.0-42-amd64");
  EXPECT_TRUE(found.has("megaraid_sas") && found.has("megaraid-sas") && found.has("xfs"));
  EXPECT_TRUE(found.has("virtio_blk"));
  EXPECT_FALSE(found.has("a")) << "needed is not there";
  fs::create_directories(dir_.path() + "/empty");
  EXPECT_EQ(kernel_modules(root_.below("empty").value()).value().release, "");
}

}  // namespace
}  // namespace cube
