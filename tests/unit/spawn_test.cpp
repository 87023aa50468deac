// What a program that was started leaves behind.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "base/cgroup.h"
#include "base/spawn.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

using std::chrono::seconds;

bool lives(pid_t pid) {
  const auto state = get("/proc/" + std::to_string(pid) + "/stat");
  return ::kill(pid, 0) == 0 && state.find(") Z ") == std::string::npos;
}

class SpawnTest : public testing::Test {
 protected:
  // A program that starts another one in a session of its own, which notes its process id.
  std::string detaching(const std::string& end) {
    const std::string path = dir_.path() + "/program";
    put(path, "#!/bin/sh\nsetsid sh -c 'echo $$ >" + dir_.path() +
                  "/pid; exec sleep 300' >/dev/null 2>&1 </dev/null &\n"
                  "while [ ! -s " + dir_.path() + "/pid ]; do sleep 0.05; done\n" + end + "\n");
    std::filesystem::permissions(path, std::filesystem::perms(0755));
    return path;
  }
  pid_t grandchild() const {
    pid_t pid = 0;
    std::ifstream(dir_.path() + "/pid") >> pid;
    return pid;
  }
  ScratchDir dir_;
};

TEST_F(SpawnTest, AGrandchildInItsOwnSessionDiesWithAContainedProgram) {
  if (!Cgroup::make() && std::getenv("CUBE_MUTATION") == nullptr)
    GTEST_SKIP() << "no cgroup can be made here";
  for (const std::string end : {"exit 0", "sleep 300"}) {
    std::filesystem::remove(dir_.path() + "/pid");
    const auto outcome = spawn({detaching(end)}, {.timeout = seconds(3), .contained = true});
    ASSERT_TRUE(outcome) << outcome.error().what;
    EXPECT_EQ(outcome->timed_out, end != "exit 0");
    ASSERT_GT(grandchild(), 0) << outcome->output;
    EXPECT_FALSE(lives(grandchild())) << end;
    ::kill(grandchild(), SIGKILL);
  }
}

TEST_F(SpawnTest, WithoutACgroupOnlyItsProcessGroupDies) {
  const auto outcome = spawn({detaching("exit 0")}, {.timeout = seconds(20)});
  ASSERT_TRUE(outcome) << outcome.error().what;
  ASSERT_GT(grandchild(), 0);
  EXPECT_TRUE(lives(grandchild())) << "the test above proves nothing";
  ::kill(grandchild(), SIGKILL);
}

TEST_F(SpawnTest, CgroupsOfDeadProcessesAreRemoved) {
  auto own = Cgroup::make();
  if (!own) GTEST_SKIP() << own.error().what;
  EXPECT_TRUE(own->kill_all());
  const auto link = std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(own->joining()));
  const auto beside = link.parent_path().parent_path();
  const auto dead = beside / "cube-update-999999999-1";  // above every process id
  std::filesystem::create_directory(dead);
  const auto another = Cgroup::make();
  EXPECT_TRUE(another);
  EXPECT_FALSE(std::filesystem::exists(dead));
  EXPECT_TRUE(std::filesystem::exists(link.parent_path())) << "that of a living one stays";
}

TEST_F(SpawnTest, TheEndOfTooMuchOutputIsKept) {
  const auto outcome = spawn({"sh", "-c", "head -c 300000 /dev/zero | tr '\\0' x; echo the end"},
                             {.max_output = 1000, .keep_end = true});
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->output.size(), 1000U);
  EXPECT_TRUE(outcome->output.ends_with("x" "the end\n"));
}

TEST_F(SpawnTest, WhatCannotBeStartedSaysWhy) {
  put(dir_.path() + "/script", "#!/nonexistent/interpreter\n");
  std::filesystem::permissions(dir_.path() + "/script", std::filesystem::perms(0755));
  EXPECT_EQ(spawn({dir_.path() + "/script"}).error().code, Errc::not_found);
  EXPECT_EQ(spawn({dir_.path()}).error().sys_errno, EACCES);
}

}  // namespace
}  // namespace cube
