// Parts of packs that are downloaded ahead, and how a transfer is divided among threads.
#include <gtest/gtest.h>

#include <sys/stat.h>

#include <fstream>

#include "slots/pack/pack_transfer.h"
#include "tests/support/packs.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

const ProgressSink quiet = [](const Progress&) {};

class PackStaging : public ::testing::Test {
 protected:
  void SetUp() override {
    std::vector<TestObject> objects{{ObjectKind::commit, "the commit"}};
    for (unsigned i = 0; i < 40; ++i)
      objects.push_back({ObjectKind::file, random_bytes(3000 + i, i + 1)});
    const auto file = new_file(path("source.pack"));
    const auto written = write_pack(file, objects).value();
    struct stat st {};
    ASSERT_EQ(::fstat(file.get(), &st), 0);
    pack_ = {"source.pack",
             static_cast<std::uint64_t>(st.st_size),
             "",
             written.place.offset,
             written.place.length,
             to_hex(written.index_sha256)};
    place_ = {"file://" + path("source.pack"), pack_, {}, path("staged.pack")};
    index_.emplace(PackSource::open(place_).value().index().value());
  }
  [[nodiscard]] std::string path(const std::string& name) const { return dir_.path() + "/" + name; }
  [[nodiscard]] Wanted every(std::size_t nth) const {
    Wanted wanted(index_->objects().size());
    for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = i % nth == 0;
    return wanted;
  }
  Status stage(const Wanted& wanted) {
    CUBE_TRY(const auto staged, StagedPack::create(place_.staged, pack_));
    std::string bytes;
    CUBE_TRY(auto source, PackSource::open(place_));
    CUBE_CHECK(source.index(&bytes));
    CUBE_CHECK(staged.keep_index(bytes));
    plan_ = plan_staging(staged, pack_, *index_, wanted);
    return get_chunks(place_, *index_, plan_, staged, quiet);
  }
  // What comes out for those objects, with or without the server.
  std::size_t get(const Wanted& wanted, bool server) {
    auto place = place_;
    if (!server) place.url = "file://" + path("gone");
    std::atomic<std::size_t> count{0};
    const auto open = [&]() -> Result<PackOutlet> {
      return PackOutlet{std::make_unique<Counted>(count), nullptr};
    };
    const auto status = get_objects(place, *index_, wanted, open, quiet);
    return status ? count.load() : 0;
  }
  class Counted final : public ObjectSink {
   public:
    explicit Counted(std::atomic<std::size_t>& count) : count_(count) {}
    Status begin(const PackObject&) override { return ok(); }
    Status write(std::string_view) override { return ok(); }
    Status end() override {
      ++count_;
      return ok();
    }
    Status lose() override { return ok(); }

   private:
    std::atomic<std::size_t>& count_;
  };

  ScratchDir dir_;
  Pack pack_;
  PackPlace place_;
  std::optional<PackIndex> index_;
  StagingPlan plan_;
};

TEST_F(PackStaging, WhatWasDownloadedAheadNeedsNoServer) {
  ASSERT_TRUE(stage(every(3)));
  EXPECT_EQ(get(every(3), false), 14U);
  EXPECT_EQ(get(every(2), false), 0U) << "some of it was not downloaded";
  EXPECT_EQ(get(every(2), true), 21U) << "the rest comes from the server";
  const auto place = PackPlace{"", pack_, {}, place_.staged};
  EXPECT_EQ(PackSource::open(place).value().index().value().objects().size(), 41U);
}

TEST_F(PackStaging, OnlyWhatIsMissingIsDownloaded) {
  ASSERT_TRUE(stage(every(3)));
  const auto first = plan_.missing_bytes;
  ASSERT_TRUE(stage(every(3)));
  EXPECT_EQ(plan_.missing_bytes, 0U);
  EXPECT_EQ(plan_.total_bytes, first + pack_.index_length);
  ASSERT_TRUE(stage(every(1)));
  EXPECT_LT(plan_.missing_bytes, pack_.index_offset - pack_header_bytes - first + 1);
  EXPECT_EQ(get(every(1), false), 41U);
}

TEST_F(PackStaging, DamageOfWhatIsStagedIsFetchedAgain) {
  ASSERT_TRUE(stage(every(1)));
  {
    std::fstream file(place_.staged, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(pack_header_bytes + 50);
    file << "damaged";
  }
  EXPECT_EQ(get(every(1), false), 0U);
  EXPECT_EQ(get(every(1), true), 41U);
  ASSERT_TRUE(stage(every(1)));
  EXPECT_EQ(plan_.missing.size(), 1U);
  EXPECT_EQ(get(every(1), false), 41U);
}

TEST_F(PackStaging, WhatIsNotThePacksIsNotKept) {
  {
    std::fstream file(path("source.pack"), std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(pack_header_bytes + 5);
    file << "damaged";
  }
  const auto status = stage(every(1));
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::corrupt);
}

TEST_F(PackStaging, APackOfAnotherNameOrAnUnreadableOneIsNone) {
  EXPECT_FALSE(StagedPack::open(path("none"), pack_).value());
  std::ofstream(path("short")) << "CUBEPACK";
  const auto staged = StagedPack::open(path("short"), pack_).value();
  ASSERT_TRUE(staged);
  EXPECT_FALSE(staged->index().value());
}

TEST_F(PackStaging, ACancelledTransferSaysSo) {
  const std::atomic<bool> stop{true};
  const ProgressSink cancelled([](const Progress&) {}, stop);
  const auto open = [&]() -> Result<PackOutlet> {
    static std::atomic<std::size_t> count{0};
    return PackOutlet{std::make_unique<Counted>(count), nullptr};
  };
  const auto status = get_objects(place_, *index_, every(1), open, cancelled);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Errc::cancelled);
}

TEST_F(PackStaging, PartsAreConsecutiveAndWhole) {
  for (const std::size_t parts : {1U, 2U, 7U, 100U}) {
    const auto split = split_wanted(*index_, every(1), parts, 1);
    EXPECT_LE(split.size(), parts);
    Wanted all(index_->objects().size(), false);
    std::size_t next = 0;
    std::vector<std::size_t> chunks;
    for (const auto& part : split) {
      for (std::size_t i = 0; i < part.size(); ++i)
        if (part[i]) {
          EXPECT_EQ(i, next++);
          all[i] = true;
        }
      for (const auto chunk : needed_chunks(*index_, part)) chunks.push_back(chunk);
    }
    EXPECT_EQ(all, every(1));
    EXPECT_EQ(chunks, needed_chunks(*index_, every(1))) << "none is fetched twice";
  }
  EXPECT_TRUE(split_wanted(*index_, Wanted(index_->objects().size(), false), 3, 1).empty());
}

}  // namespace
}  // namespace cube
