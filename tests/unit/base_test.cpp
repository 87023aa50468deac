#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>


#include <filesystem>
#include <fstream>

#include "base/clock.h"
#include "base/digest.h"
#include "base/durable_file.h"
#include "base/io.h"
#include "base/root_dir.h"
#include "base/spawn.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

TEST(RootDir, SymlinksStayInside) {
  const ScratchDir dir;
  const auto root = dir.root();
  ASSERT_TRUE(root.make_dirs("a/b/c"));
  write(dir.path() + "/secret", "inside");
  std::filesystem::create_symlink("/secret", dir.path() + "/a/b/c/absolute");
  std::filesystem::create_symlink("../../../../../../secret", dir.path() + "/a/b/c/climbs");
  EXPECT_EQ(root.read_file("a/b/c/absolute", 100).value(), "inside");
  EXPECT_EQ(root.read_file("/a/b/c/climbs", 100).value(), "inside");
}

TEST(RootDir, ReadFileIsBoundedAndWantsAFile) {
  const ScratchDir dir;
  const auto root = dir.root();
  write(dir.path() + "/ten", "0123456789");
  ASSERT_EQ(::mkfifo((dir.path() + "/fifo").c_str(), 0600), 0);
  EXPECT_TRUE(root.read_file("ten", 10));
  EXPECT_EQ(root.read_file("ten", 9).error().code, Errc::corrupt);
  EXPECT_EQ(root.read_file("fifo", 9).error().code, Errc::corrupt);
  EXPECT_EQ(root.read_file("none", 9).error().code, Errc::not_found);
}

TEST(RootDir, RemoveTreeDoesNotFollowLinks) {
  const ScratchDir dir;
  const auto root = dir.root();
  ASSERT_TRUE(root.make_dirs("tree/deep"));
  write(dir.path() + "/kept", "x");
  std::filesystem::create_symlink(dir.path() + "/kept", dir.path() + "/tree/deep/link");
  ASSERT_TRUE(root.remove_tree("tree"));
  EXPECT_FALSE(root.exists("tree"));
  EXPECT_TRUE(root.exists("kept"));
  EXPECT_TRUE(root.remove_tree("tree")) << "absent is fine";
}

TEST(DurableFile, OverwriteInPlaceKeepsInodeAndRefusesOtherSizes) {
  const ScratchDir dir;
  const auto root = dir.root();
  write(dir.path() + "/env", std::string(1024, 'x'));
  const auto before = root.stat("env").value().st_ino;
  ASSERT_TRUE(overwrite_in_place(root, "env", std::string(1024, 'y')));
  EXPECT_EQ(root.stat("env").value().st_ino, before);
  EXPECT_EQ(root.read_file("env", 2000).value(), std::string(1024, 'y'));
  EXPECT_EQ(overwrite_in_place(root, "env", "short").error().code, Errc::corrupt);
  EXPECT_EQ(overwrite_in_place(root, "none", "short").error().code, Errc::not_found);
}

TEST(DurableFile, ReplaceFileIsWholeAndCleansUp) {
  const ScratchDir dir;
  const auto root = dir.root();
  write(dir.path() + "/.state.new", "left by a cut");
  ASSERT_TRUE(replace_file(root, "state", "one"));
  ASSERT_TRUE(replace_file(root, "state", "two"));
  EXPECT_EQ(root.read_file("state", 10).value(), "two");
  EXPECT_FALSE(root.exists(".state.new"));
}

TEST(Digest, KnownAnswersAndHex) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(from_hex("00ff").value(), std::string("\0\xff", 2));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0G"));
  EXPECT_FALSE(is_sha256_hex(std::string(64, 'A')));
}

TEST(Clock, UtcRoundTripAndRefusals) {
  for (const UnixSeconds time : {0L, 951782400L, 1795553700L, 4102444799L})
    EXPECT_EQ(parse_utc(format_utc(time)).value(), time);
  for (const auto* wrong : {"", "2026-11-25T20:55:00", "2026-02-30T00:00:00Z",
                            "2026-11-25 20:55:00Z", "2026-11-25T24:00:00Z", "2026-1x-25T20:55:00Z"})
    EXPECT_FALSE(parse_utc(wrong)) << wrong;
}

TEST(Spawn, OutputExitCodeAndBounds) {
  auto echo = spawn({"echo", "hello"});
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->exit_code, 0);
  EXPECT_EQ(echo->output, "hello\n");
  EXPECT_EQ(spawn({"false"}).value().exit_code, 1);
  EXPECT_FALSE(spawn({"/nonexistent"}));
  auto slow = spawn({"sleep", "30"}, {.timeout = std::chrono::seconds(1)});
  ASSERT_TRUE(slow);
  EXPECT_TRUE(slow->timed_out);
  EXPECT_EQ(slow->exit_code, 128 + SIGKILL);
  auto large = spawn({"head", "-c", "1000000", "/dev/zero"}, {.max_output = 1000});
  ASSERT_TRUE(large);
  EXPECT_EQ(large->output.size(), 1000U);
}

TEST(Io, ZerosAreHolesAndNothingElseIs) {
  const ScratchDir dir;
  const std::string zeros(shortest_hole, '\0'), ones(shortest_hole, '1');
  // Each as whole blocks, and shifted against them; given at once, and in pieces of any size.
  for (const auto& content :
       {zeros + ones, ones + zeros, ones + zeros + zeros + ones, zeros, std::string("x") + zeros + "y",
        zeros + zeros + "y", ones.substr(1) + zeros + zeros, std::string(10, '\0')})
    for (const std::size_t piece : {content.size(), std::size_t{100'000}, std::size_t{4097}}) {
      const auto path = dir.path() + "/file";
      const Fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
      for (std::size_t at = 0; at < content.size(); at += piece)
        ASSERT_TRUE(write_around_zeros(fd, std::string_view(content).substr(at, piece),
                                       static_cast<off_t>(at)));
      ASSERT_EQ(::ftruncate(fd.get(), static_cast<off_t>(content.size())), 0);
      EXPECT_EQ(get(path), content) << content.size() << " in pieces of " << piece;
    }
  const Fd fd(::open((dir.path() + "/sparse").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  ASSERT_TRUE(write_around_zeros(fd, ones + zeros + zeros + zeros, 0));
  struct stat st {};
  ASSERT_EQ(::fstat(fd.get(), &st), 0);
  EXPECT_EQ(st.st_size, static_cast<off_t>(ones.size()));
  EXPECT_LT(st.st_blocks * 512, 2 * static_cast<off_t>(ones.size()));
}

}  // namespace
}  // namespace cube
