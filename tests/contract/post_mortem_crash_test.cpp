// A cut while records are moved out of pstore, and copied from systemd-pstore's archive: none is lost,
// none is doubled.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>

#include "boot/postmortem/pstore_post_mortem.h"
#include "tests/support/crash_sweep.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

Files files_in(const std::string& folder) {
  Files files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::directory_iterator(folder)) {
    std::ifstream file(entry.path(), std::ios::binary);
    const auto name = entry.path().filename().string();
    if (!name.starts_with(".")) files[name] = {std::istreambuf_iterator<char>(file), {}};
  }
  return files;
}

bool holds(const Files& files, const std::string& name, const std::string& text) {
  return files.count(name) != 0 && files.at(name) == text;
}

TEST(PostMortemCrash, NoRecordIsLostOrDoubled) {
  const ScratchDir dir;
  const auto root = dir.root();
  PstorePostMortem post_mortem(root, "var/lib/cube-update");
  const std::string source = dir.path() + "/sys/fs/pstore";
  const std::string kept = dir.path() + "/var/lib/cube-update/post-mortem";
  const Files records = {{"dmesg-efi-1", "Kernel panic - not syncing: x\n"},
                         {"dmesg-efi-2.enc.z", "second"}};
  const std::string archive = dir.path() + "/var/lib/systemd/pstore/6943";
  const Files archived = {{"dmesg-erst-6943", "Kernel panic - not syncing: y\n"}};
  const Files marks = {
      {"marks", "cube-update: stage userspace boot aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee\n"}};
  const auto prepare = [&] {
    fs::remove_all(kept);
    fs::remove_all(archive);
    fs::remove(source + "/pmsg-ramoops-0");
    ASSERT_TRUE(post_mortem.set_aside());
    fs::remove_all(kept);
    fs::create_directories(archive);
    fs::create_directories(source);
    fs::create_directories(dir.path() + "/var/lib/cube-update");
    for (const auto& [name, text] : records) std::ofstream(source + "/" + name) << text;
    for (const auto& [name, text] : archived) std::ofstream(archive + "/" + name) << text;
    std::ofstream(source + "/pmsg-ramoops-0") << marks.at("marks");
  };
  for (const std::string call : {"keep", "set-aside"}) {
    const std::vector<std::string> argv = {CUBE_BOOT_WRITER, dir.path(), call, "4"};
    const std::string folder = kept + (call == "keep" ? "/4" : "/earlier");
    Files wanted = records;
    if (call == "keep") {
      wanted.insert(archived.begin(), archived.end());
      wanted.insert(marks.begin(), marks.end());
    }
    prepare();
    const auto whole = count_calls(argv);
    ASSERT_EQ(whole.exit_code, 0) << whole.output;
    ASSERT_GE(whole.calls, 12);
    for (const auto crash : {Crash::kill, Crash::torn, Crash::no_space})
      for (int n = 1; n <= whole.calls; ++n) {
        SCOPED_TRACE(call + " at step " + std::to_string(n));
        prepare();
        EXPECT_NE(run_with_crash(argv, n, crash).exit_code, 0) << "no false success";
        for (const auto& [name, text] : records)
          EXPECT_TRUE(holds(files_in(source), name, text) || holds(files_in(folder), name, text))
              << name << " is lost";
        ASSERT_TRUE(call == "keep" ? post_mortem.keep(4) : post_mortem.set_aside());
        EXPECT_EQ(files_in(folder), wanted);
        EXPECT_EQ(files_in(archive), archived) << "only read";
        EXPECT_EQ(files_in(source).size(), 1U) << "the messages are others', too";
      }
  }
}

}  // namespace
}  // namespace cube
