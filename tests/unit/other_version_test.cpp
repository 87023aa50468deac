// The two slots may hold programs of different age, and share a journal and the loader's records.
// tests/unit/journals/ has what the programs of their time wrote, for a journal in each phase:
// without-schedule/ from before an update could wait, with-schedule/ since.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/journal_codec.h"
#include "base/digest.h"
#include "boot/grub/env_block.h"

namespace cube {
namespace {

constexpr std::size_t header_bytes = 56;

std::string content(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string journal_file(const std::string& folder, const Phase& phase) {
  return content(CUBE_JOURNALS "/" + folder + "/" + std::string(name_of(phase)));
}

Update some_update() {
  Update update;
  update.attempt = 7;
  update.release.name = ReleaseName::parse("CUBE_2.2.4_20220421-1616_55765df7").value();
  update.release.epoch = 3;
  update.release.commit = std::string(64, 'c');
  update.release.manifest_sha256 = std::string(64, 'd');
  update.release.tree_bytes = 2'500'000'000;
  update.release.tree_inodes = 52'443;
  update.release.kernel_release = "6.1.0-1-amd64";
  update.release.trial_deadline = 600;
  update.target = SlotId::b;
  update.from_release = "CUBE_2.2.3_20220401-1200_aaaa1111";
  update.source = "https://example.org/cube";
  update.tries = 2;
  update.unattended = false;
  update.started = 1'700'000'000;
  update.deadline = 600;
  update.armings = 1;
  update.tries_seen = 1;
  update.left = 1'700'000'123;
  return update;
}

// What the files hold; the newer ones with a start that older programs did not know.
Journal journal_of(Phase phase) {
  Journal journal;
  journal.attempts = 7;
  journal.phase = std::move(phase);
  journal.floor = {3, "CUBE_2.2.3_20220401-1200_aaaa1111"};
  journal.denied = {{"CUBE_2.2.2_20220301-1200_bbbb2222", std::string(64, 'e'), "panic"}};
  journal.history = {{6,
                      "CUBE_2.2.2_20220301-1200_bbbb2222",
                      "x",
                      SlotId::b,
                      1,
                      2,
                      1,
                      Outcome::rolled_back,
                      {Cause::panic, "Kernel panic - not syncing: VFS"}}};
  return journal;
}

std::vector<Phase> phases(bool with_schedule) {
  Update update = some_update();
  if (with_schedule) {
    update.start = Start::in_window;
    update.not_before = 1'700'000'456;
  }
  return {Idle{},
          Fetching{update},
          Fetched{update},
          Filling{update},
          Staged{update},
          Arming{update},
          Armed{update, "boot-1"},
          Trying{update},
          Committing{update},
          RollingBack{update, {Cause::health, "ceph"}}};
}

// With another payload and a right checksum.
std::string forged(const std::string& bytes, const std::string& payload) {
  std::string head = bytes.substr(0, 20);
  for (int shift = 0; shift < 32; shift += 8)
    head += static_cast<char>((payload.size() >> shift) & 0xff);
  const auto digest = sha256(head + payload);
  return head + std::string(digest.begin(), digest.end()) + payload;
}

TEST(OtherVersion, JournalsOfBothFormsAreRead) {
  for (const bool with_schedule : {false, true}) {
    for (const auto& phase : phases(with_schedule)) {
      const auto bytes = journal_file(with_schedule ? "with-schedule" : "without-schedule", phase);
      const auto stored = decode_journal(bytes);
      ASSERT_TRUE(stored) << with_schedule << " " << name_of(phase);
      EXPECT_EQ(stored->generation, 5U);
      EXPECT_TRUE(stored->journal == journal_of(phase)) << with_schedule << " " << name_of(phase);
    }
  }
}

// A program reads what it knows from the front and leaves the rest, so an older one reads what this
// one writes exactly if it begins with what the older one would have written.
TEST(OtherVersion, AnOlderProgramReadsWhatThisOneWrites) {
  for (const bool with_schedule : {false, true}) {
    for (const auto& phase : phases(with_schedule)) {
      const auto theirs = journal_file(with_schedule ? "with-schedule" : "without-schedule", phase);
      const auto ours = encode_journal({5, journal_of(phase)}).value();
      ASSERT_GT(theirs.size(), header_bytes);
      EXPECT_EQ(ours.substr(0, 20), theirs.substr(0, 20)) << "magic, version, generation";
      EXPECT_TRUE(ours.substr(header_bytes).starts_with(theirs.substr(header_bytes)))
          << name_of(phase);
    }
  }
}

TEST(OtherVersion, WhatANewerProgramAppendsIsNotLookedAt) {
  for (const auto& phase : phases(true)) {
    const auto bytes = encode_journal({5, journal_of(phase)}).value();
    const auto stored =
        decode_journal(forged(bytes, bytes.substr(header_bytes) + std::string(40, '\x7f')));
    ASSERT_TRUE(stored) << name_of(phase);
    EXPECT_TRUE(stored->journal == journal_of(phase)) << name_of(phase);
  }
}

TEST(OtherVersion, ACauseOfANewerProgramIsKept) {
  auto journal = journal_of(Idle{});
  const auto newer = static_cast<Cause>(200);
  journal.history.front().why.cause = newer;
  const auto stored = decode_journal(encode_journal({5, journal}).value());
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->journal.history.front().why.cause, newer);
  EXPECT_EQ(to_string(newer), "unknown");
  const auto again = decode_journal(encode_journal({6, stored->journal}).value());
  EXPECT_EQ(again->journal.history.front().why.cause, newer) << "it is there for the newer one";
}

// It reads "rolled back" there, as it did before there were rehearsals.
TEST(OtherVersion, ARehearsalIsARollbackToAnOlderProgram) {
  auto journal = journal_of(Staged{some_update()});
  const auto payload = [&] { return encode_journal({5, journal}).value().substr(header_bytes); };
  const auto before = payload();
  journal.history.front().outcome = Outcome::rehearsed;
  journal.history.front().rehearsal = Rehearsal::hang;
  journal.history.front().away = 83;
  std::get<Staged>(journal.phase).update.rehearsal = Rehearsal::panic;
  const auto after = payload();
  constexpr std::size_t ours = 1 + 8 + 1 + 1;  // one attempt, one update; no waivers
  EXPECT_EQ(after.substr(0, after.size() - ours), before.substr(0, before.size() - ours));
  EXPECT_TRUE(decode_journal(encode_journal({5, journal}).value())->journal == journal);
}

TEST(OtherVersion, APhaseOfANewerProgramIsNotGuessed) {
  const auto bytes = journal_file("without-schedule", Idle{});
  auto payload = bytes.substr(header_bytes);
  ASSERT_EQ(payload.back(), '\0') << "the phase is the last byte there when idle";
  payload.back() = static_cast<char>(std::variant_size_v<Phase>);
  EXPECT_EQ(decode_journal(forged(bytes, payload)).error().code, Errc::corrupt);
}

// The records as every version so far writes them, with a variable of a later one.
TEST(OtherVersion, VariablesOfANewerProgramStayInTheLoadersRecords) {
  std::string bytes =
      "# GRUB Environment Block\ncube_fallback=a\ncube_offer=none\ncube_trial=none\ncube_left=0\n"
      "cube_done=0\ncube_canary=0123456789abcdef\n";
  bytes.resize(env_block_bytes, '#');
  EXPECT_EQ(EnvBlock::parse(bytes).value().render().value(), bytes);
  std::string newer = bytes.substr(0, bytes.find("##")) + "cube_later=1\n";
  newer.resize(env_block_bytes, '#');
  auto block = EnvBlock::parse(newer).value();
  block.set("cube_offer", "b");
  const auto written = block.render().value();
  EXPECT_NE(written.find("\ncube_later=1\n"), std::string::npos);
  EXPECT_NE(written.find("\ncube_offer=b\n"), std::string::npos);
}

}  // namespace
}  // namespace cube
