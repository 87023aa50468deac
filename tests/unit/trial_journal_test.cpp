// Errors in the journal of a slot that failed. The journals are real ones, made by
// systemd-journal-remote.
#include "agent/trial_journal.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/spawn.h"
#include "boot/postmortem/diagnosis.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

constexpr const char* recorder = "/lib/systemd/systemd-journal-remote";
const std::string old_boot = "11111111-2222-3333-4444-555555555555";
const std::string trial_boot = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee";
constexpr UnixSeconds began = 1'764'234'000;

struct Entry {
  UnixSeconds time;
  std::string boot;
  int priority;
  std::string message;
};

class TrialJournalTest : public testing::Test {
 protected:
  std::string record(const std::string& name, const std::vector<Entry>& entries) {
    const std::string folder = dir_.path() + "/var/log/journal/0123456789abcdef0123456789abcdef/";
    fs::create_directories(folder);
    std::string text;
    for (const auto& [time, boot, priority, message] : entries) {
      std::string id = boot;
      std::erase(id, '-');
      text += "__REALTIME_TIMESTAMP=" + std::to_string(time) + "000000\n__MONOTONIC_TIMESTAMP=" +
              std::to_string(++monotonic_) + "\n_BOOT_ID=" + id +
              "\nPRIORITY=" + std::to_string(priority) + "\nSYSLOG_IDENTIFIER=ceph-mon\nMESSAGE=" +
              message + "\n\n";
    }
    const std::string source = dir_.path() + "/export";
    std::ofstream(source, std::ios::binary) << text;
    fs::remove(folder + name);
    const auto made = spawn({recorder, "-o", folder + name, source}).value();
    EXPECT_EQ(made.exit_code, 0) << made.output;
    return folder + name;
  }
  Lines errors(const std::string& boot, UnixSeconds since = began) {
    const auto lines = journal_errors(root_, {boot, since}, root_).value();
    EXPECT_FALSE(root_.exists("run/cube-update/journals")) << "the copies are gone";
    return lines;
  }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  std::uint64_t monotonic_ = 1'000'000;
};

TEST_F(TrialJournalTest, TheErrorsOfTheTrialsBootAreTold) {
  record("system.journal", {{began - 100, old_boot, 2, "long ago"},
                            {began + 10, trial_boot, 3, "cannot open store"},
                            {began + 11, trial_boot, 6, "goes on"},
                            {began + 12, trial_boot, 0, "gives up"}});
  const Lines told = {"ceph-mon: cannot open store", "ceph-mon: gives up"};
  EXPECT_EQ(errors(trial_boot), told);
  EXPECT_EQ(errors(""), told) << "the last boot in it";
  EXPECT_EQ(errors(old_boot), Lines{"ceph-mon: long ago"});
  EXPECT_EQ(errors("99999999-2222-3333-4444-555555555555"), Lines{});
}

TEST_F(TrialJournalTest, AnOlderBootIsNotTheTrials) {
  record("system.journal", {{began - 100, old_boot, 2, "long ago"}});
  EXPECT_EQ(errors(""), Lines{});
  EXPECT_EQ(errors(trial_boot), Lines{});
}

TEST_F(TrialJournalTest, ATreeWithoutAJournalTellsNothing) {
  EXPECT_EQ(errors(""), Lines{});
  fs::create_directories(dir_.path() + "/var/log/journal/0123");
  EXPECT_EQ(errors(""), Lines{});
}

TEST_F(TrialJournalTest, WhatIsToldIsShortAndPrintable) {
  std::vector<Entry> entries;
  for (int i = 0; i < 100; ++i)
    entries.push_back({began + i, trial_boot, 3, "\x1b[2J no " + std::to_string(i)});
  entries.push_back({began + 200, trial_boot, 3, std::string(100'000, 'x')});
  record("system.journal", entries);
  const auto told = errors(trial_boot);
  ASSERT_EQ(told.size(), max_journal_lines);
  EXPECT_EQ(told.front(), "ceph-mon: ?[2J no 89");
  for (const auto& line : told) EXPECT_LE(line.size(), max_line);
}

TEST_F(TrialJournalTest, SeveralFilesAreOneJournal) {
  const auto older = record("old.journal", {{began + 1, trial_boot, 3, "first"}});
  fs::rename(older, older + "~");  // as journald names one that was not closed
  record("system.journal", {{began + 2, trial_boot, 3, "second"}});
  EXPECT_EQ(errors(trial_boot), (Lines{"ceph-mon: first", "ceph-mon: second"}));
}

TEST_F(TrialJournalTest, DamageIsSurvivedAndSoundFilesAreRead) {
  const auto damaged = record("system.journal", {{began + 1, trial_boot, 3, "damaged"}});
  record("user-1000.journal", {{began + 2, trial_boot, 3, "sound"}});
  std::ifstream file(damaged, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  const auto told = [&](const std::string& content) {
    std::ofstream(damaged, std::ios::binary) << content;
    const auto lines = errors(trial_boot);
    EXPECT_TRUE(!lines.empty() && lines.back() == "ceph-mon: sound");
  };
  for (const std::size_t size : {0U, 1U, 100U, 272U, 5000U, 300'000U}) told(whole.substr(0, size));
  told(std::string(100'000, '\xff'));
  // Headers, hash tables, and the objects behind them.
  const std::size_t objects = whole.find("MESSAGE=damaged");
  ASSERT_NE(objects, std::string::npos);
  for (std::size_t at = 0; at < 40; ++at) {
    auto content = whole;
    for (const std::size_t place : {8 + at * 6, objects - 64 + at * 3, objects + 200 + at * 16})
      content[place] = static_cast<char>(content[place] ^ static_cast<char>(0xa5));
    told(content);
  }
  fs::remove(damaged);
  fs::create_symlink("/etc/passwd", damaged);
  EXPECT_EQ(errors(trial_boot), Lines{"ceph-mon: sound"});
}

}  // namespace
}  // namespace cube
