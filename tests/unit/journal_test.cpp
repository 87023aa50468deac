#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "agent/file_journal_store.h"
#include "agent/journal_codec.h"
#include "base/digest.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

Update some_update() {
  Update update;
  update.attempt = 7;
  update.release.name = ReleaseName::parse("CUBE_2.2.4_20220421-1616_55765df7").value();
  update.release.commit = std::string(64, 'c');
  update.release.manifest_sha256 = std::string(64, 'd');
  update.target = SlotId::b;
  update.from_release = "CUBE_2.2.3_20220401-1200_aaaa1111";
  update.source = "https://example.org/cube";
  update.left = 1'700'000'123;
  update.start = Start::in_window;
  update.not_before = 1'700'000'456;
  update.release.schema = 4;
  update.failed_before = {"10-clock", "chronyd.service"};
  update.held = "pre-reboot.d/10-drain: not now";
  update.migrated = "20-net";
  update.tried_in = "0f6f52eb-b4f2-1a0f-4e7b-0c0bd6b9d14f";
  update.carry_etc = true;
  update.drained = true;
  update.waived = {"lock:kernel by root until 2026-12-25T00:00:00Z: tested"};
  return update;
}

Journal with(Phase phase) {
  Journal journal;
  journal.attempts = 7;
  journal.phase = std::move(phase);
  journal.floor = {3, "CUBE_2.2.3_20220401-1200_aaaa1111"};
  journal.denied = {{"CUBE_2.2.2_20220301-1200_bbbb2222", std::string(64, 'e'), "panic"}};
  journal.history = {{6, "CUBE_2.2.2_20220301-1200_bbbb2222", "x", SlotId::b, 1, 2, 1,
                      Outcome::rolled_back, {Cause::panic, "Kernel panic - not syncing: VFS"}, 3}};
  journal.history[0].waived = {"lock:bash by publisher until 2026-12-25T00:00:00Z: x", "and 2 more"};
  journal.schema = 3;
  journal.hooks_due = 6;
  return journal;
}

std::vector<Phase> all_phases() {
  const Update update = some_update();
  return {Idle{},          Fetching{update},        Fetched{update}, Filling{update},
          Staged{update},  Arming{update},          Armed{update, "boot-1"},
          Trying{update},  Committing{update},      RollingBack{update, {Cause::health, "ceph"}}};
}

// `bytes` with another payload and a right checksum.
std::string forged(const std::string& bytes, const std::string& payload) {
  std::string head = bytes.substr(0, 20);
  for (int shift = 0; shift < 32; shift += 8)
    head += static_cast<char>((payload.size() >> shift) & 0xff);
  const auto digest = sha256(head + payload);
  return head + std::string(digest.begin(), digest.end()) + payload;
}

Journal largest() {
  const std::string name(128, 'n');
  const std::string detail(max_detail, 'd');
  Update update = some_update();
  update.failed_before.assign(max_failed_before, std::string(max_check_name, 'c'));
  update.held = detail;
  update.migrated = std::string(64, 'm');
  update.waived.clear();  // they cost the oldest history, see below
  Journal journal = with(RollingBack{update, {Cause::health, detail}});
  journal.denied.assign(max_denied, {name, std::string(64, 'e'), std::string(40, 'r')});
  journal.history.assign(
      max_history, {6, name, name, SlotId::b, 1, 2, 1, Outcome::rolled_back, {Cause::panic, detail}});
  return journal;
}

TEST(JournalCodec, SizesThatClaimMoreThanThereIsAreRefusedBeforeTheyAreAllocated) {
  const auto bytes = encode_journal({5, with(Idle{})}).value();
  const auto payload = bytes.substr(56);
  ASSERT_EQ(forged(bytes, payload), bytes);
  for (std::size_t at = 0; at + 8 <= payload.size(); ++at) {
    auto changed = payload;
    changed.replace(at, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x0f", 8));
    (void)decode_journal(forged(bytes, changed));  // under a sanitizer a large allocation aborts
  }
  // One byte of endianness, the number of attempts, the epoch; then the size of the floor's name.
  auto changed = payload;
  changed.replace(17, 8, std::string("\xff\xff\xff\xff\xff\xff\xff\x0f", 8));
  EXPECT_EQ(decode_journal(forged(bytes, changed)).error().code, Errc::corrupt);
}

TEST(JournalCodec, EveryPhaseComesBack) {
  for (const auto& phase : all_phases()) {
    const Journal journal = with(phase);
    const auto bytes = encode_journal({5, journal}).value();
    const auto back = decode_journal(bytes);
    ASSERT_TRUE(back) << name_of(phase);
    EXPECT_EQ(back->generation, 5U);
    EXPECT_TRUE(back->journal == journal) << name_of(phase);
  }
}

// Those who only know what came before read a stand-in, and what they wrote is read here.
TEST(JournalCodec, LaterPartsMayBeMissingAndLaterCausesHaveAStandIn) {
  const Journal journal = with(RollingBack{some_update(), {Cause::migration, "10-db"}});
  const auto bytes = encode_journal({5, journal}).value();
  EXPECT_EQ(std::get<RollingBack>(decode_journal(bytes)->journal.phase).why.cause,
            Cause::migration);
  const auto payload = bytes.substr(56);
  int read = 0;
  for (std::size_t length = payload.size(); length > payload.size() / 2; --length) {
    const auto shorter = decode_journal(forged(bytes, payload.substr(0, length)));
    if (!shorter || length == payload.size()) continue;
    if (++read <= 2) {
      EXPECT_EQ(std::get<RollingBack>(shorter->journal.phase).why.cause, Cause::migration);
      continue;
    }
    EXPECT_EQ(std::get<RollingBack>(shorter->journal.phase).why.cause, Cause::health);
    EXPECT_EQ(shorter->journal.hooks_due, 0U);
  }
  EXPECT_EQ(read, 4)
      << "without what came with waivers, with rehearsals, with hooks, and with the schedule";
}

TEST(JournalCodec, EveryTruncationAndBitFlipIsRefused) {
  const auto bytes = encode_journal({5, with(Armed{some_update(), "boot-1"})}).value();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(decode_journal(std::string_view(bytes).substr(0, length))) << length;
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(decode_journal(damaged)) << bit;
  }
}

TEST(JournalCodec, TheLargestJournalFitsWithoutLosingHistory) {
  const Journal journal = largest();
  const auto bytes = encode_journal({1, journal});
  ASSERT_TRUE(bytes);
  EXPECT_LE(bytes->size(), max_journal_bytes);
  EXPECT_TRUE(decode_journal(*bytes).value().journal == journal);
}

TEST(JournalCodec, WaiversOfManyAttemptsCostTheOldestHistoryAndNothingElse) {
  Journal journal = largest();
  const std::vector<std::string> most(max_waived, std::string(max_detail, 'w'));
  for (auto& attempt : journal.history) attempt.waived = most;
  std::get<RollingBack>(journal.phase).update.waived = most;
  const auto back = decode_journal(encode_journal({1, journal}).value()).value().journal;
  EXPECT_GE(back.history.size(), 5U);
  journal.history.resize(back.history.size());
  EXPECT_TRUE(back == journal);
}

class JournalStoreTest : public testing::Test {
 protected:
  std::string file(int index) const {
    return dir_.path() + "/state/journal." + std::to_string(index);
  }
  static void damage(const std::string& path) { std::ofstream(path) << "garbage"; }

  ScratchDir dir_;
  RootDir root_ = dir_.root();
  FileJournalStore store_{root_, "state"};
};

TEST_F(JournalStoreTest, NewestWholeCopyWins) {
  EXPECT_TRUE(store_.load().value() == Journal{});
  for (const auto& phase : all_phases()) {
    ASSERT_TRUE(store_.save(with(phase)));
    EXPECT_TRUE(store_.load().value() == with(phase)) << name_of(phase);
  }
}

TEST_F(JournalStoreTest, DamageCostsOneStepAtMost) {
  ASSERT_TRUE(store_.save(with(Fetching{some_update()})));
  ASSERT_TRUE(store_.save(with(Fetched{some_update()})));
  damage(file(1));
  EXPECT_TRUE(store_.load().value() == with(Fetching{some_update()}));
  ASSERT_TRUE(store_.save(with(Filling{some_update()})));
  EXPECT_TRUE(store_.load().value() == with(Filling{some_update()}));
}

TEST_F(JournalStoreTest, BothDamagedIsSaidAndSetAside) {
  ASSERT_TRUE(store_.save(with(Idle{})));
  ASSERT_TRUE(store_.save(with(Idle{})));
  damage(file(0));
  damage(file(1));
  EXPECT_EQ(store_.load().error().code, Errc::corrupt);
  EXPECT_FALSE(store_.save(Journal{})) << "a damaged journal is not silently replaced";
  ASSERT_TRUE(store_.set_damaged_aside());
  EXPECT_TRUE(std::filesystem::exists(file(0) + ".damaged"));
  EXPECT_TRUE(store_.load().value() == Journal{});
  EXPECT_TRUE(store_.save(with(Idle{})));
}

TEST_F(JournalStoreTest, OneSaveTouchesOneCopyOnly) {
  for (int save = 0; save < 6; ++save) {
    ASSERT_TRUE(store_.save(with(Idle{})));
    ASSERT_TRUE(store_.save(with(Staged{some_update()})));
    const auto before = store_.load().value();
    int whole = 0;
    for (const int index : {0, 1}) {
      const auto bytes = root_.read_file("state/journal." + std::to_string(index), 20000);
      whole += bytes && decode_journal(*bytes) ? 1 : 0;
    }
    EXPECT_EQ(whole, 2) << "the older generation stays whole";
    EXPECT_TRUE(before == with(Staged{some_update()}));
  }
}

}  // namespace
}  // namespace cube
