// EfiVariables on a folder that plays efivarfs.
#include "boot/efi/efi_variables.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class EfiVariablesTest : public testing::Test {
 protected:
  EfiVariablesTest() { fs::create_directories(folder_); }
  [[nodiscard]] std::string file(const std::string& name) const {
    return folder_ + "/" + name + "-4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
  }
  void put(const std::string& name, const std::string& bytes) const {
    std::ofstream(file(name), std::ios::binary | std::ios::trunc) << bytes;
  }
  [[nodiscard]] std::string bytes(const std::string& name) const {
    return root_
        .read_file("sys/firmware/efi/efivars/" + fs::path(file(name)).filename().string(), 10000)
        .value();
  }

  ScratchDir dir_;
  std::string folder_ = dir_.path() + "/sys/firmware/efi/efivars";
  RootDir root_ = dir_.root();
  EfiVariables variables_{root_};
};

TEST_F(EfiVariablesTest, WritesAttributesAndUtf16InOneFile) {
  EXPECT_EQ(variables_.read_text("X").value(), std::nullopt);
  ASSERT_TRUE(variables_.write_text("X", "b+3"));
  EXPECT_EQ(bytes("X"), std::string("\x07\0\0\0b\0+\0"
                                    "3\0\0\0",
                                    12));
  EXPECT_EQ(variables_.read_text("X").value(), "b+3");
  ASSERT_TRUE(variables_.write_text("X", "b"));
  EXPECT_EQ(bytes("X"), std::string("\x07\0\0\0b\0\0\0", 8)) << "nothing is left of a longer one";
  ASSERT_TRUE(variables_.remove("X"));
  ASSERT_TRUE(variables_.remove("X")) << "absent is fine";
  EXPECT_EQ(variables_.read("X").value(), std::nullopt);
}

TEST_F(EfiVariablesTest, WhatIsThereAlreadyIsNotWrittenAgain) {
  ASSERT_TRUE(variables_.write_text("X", "b"));
  const auto old = fs::last_write_time(file("X")) - std::chrono::hours(1);
  fs::last_write_time(file("X"), old);
  ASSERT_TRUE(variables_.write_text("X", "b"));
  EXPECT_EQ(fs::last_write_time(file("X")), old) << "NVRAM wears";
  ASSERT_TRUE(variables_.write_text("X", "a"));
  EXPECT_NE(fs::last_write_time(file("X")), old);
}

TEST_F(EfiVariablesTest, GarbageIsRefused) {
  put("X", "\x07");
  EXPECT_EQ(variables_.read("X").error().code, Errc::corrupt) << "shorter than its attributes";
  put("X", std::string(5000, 'x'));
  EXPECT_EQ(variables_.read("X").error().code, Errc::corrupt) << "too long";
  for (const std::string& value : {std::string("a"), std::string("a\0b", 3), std::string("a\1", 2),
                                   std::string("\x1b\0", 2), std::string("\xff\xff", 2)}) {
    put("X", std::string("\x07\0\0\0", 4) + value);
    EXPECT_EQ(variables_.read_text("X").error().code, Errc::corrupt)
        << testing::PrintToString(value);
    EXPECT_TRUE(variables_.write_text("X", "a")) << "and replaced";
  }
  put("X", "");
  EXPECT_EQ(variables_.read("X").value(), std::nullopt) << "made, and not yet written";
  EXPECT_EQ(variables_.write_text("X", "\xc3\xa4").error().code, Errc::corrupt);
  EXPECT_EQ(variables_.write("X", std::string(4097, 'x')).error().code, Errc::corrupt);
  EXPECT_EQ(variables_.write("X", "").error().code, Errc::corrupt) << "that would remove it";
}

TEST_F(EfiVariablesTest, TheEndOfATextIsItsNul) {
  put("X", std::string("\x07\0\0\0a\0b\0", 8));
  EXPECT_EQ(variables_.read_text("X").value(), "ab") << "the NUL may be missing";
  put("X", std::string("\x07\0\0\0a\0\0\0\xff\xff", 10));
  EXPECT_EQ(variables_.read_text("X").value(), "a");
}

TEST_F(EfiVariablesTest, SaysWhyThereAreNoVariables) {
  EXPECT_EQ(variables_.reachable().error().code, Errc::cannot_arm) << "not mounted";
  put("X", "");
  EXPECT_TRUE(variables_.reachable());
  fs::remove_all(folder_);
  const auto none = variables_.reachable();
  EXPECT_EQ(none.error().code, Errc::cannot_arm);
  EXPECT_NE(none.error().what.find("not started by UEFI"), std::string::npos) << none.error().what;
  EXPECT_EQ(variables_.write_text("X", "a").error().code, Errc::cannot_arm);
}

// A name where nothing can be written, as root too.
TEST_F(EfiVariablesTest, AWriteThatFailsIsAnError) {
  fs::create_directories(file("X"));
  EXPECT_FALSE(variables_.write_text("X", "a"));
  EXPECT_FALSE(variables_.read("X"));
  EXPECT_FALSE(variables_.remove("X"));
  fs::create_symlink("/etc/passwd", file("Y"));
  EXPECT_FALSE(variables_.write_text("Y", "a")) << "never through a symlink";
}

}  // namespace
}  // namespace cube
