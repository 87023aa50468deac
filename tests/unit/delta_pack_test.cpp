// Deltas from objects and bases to a file and back; with bases that are missing or damaged.
#include <gtest/gtest.h>
#include <zstd.h>

#include "slots/pack/pack_file.h"
#include "tests/support/delta_packs.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/text_files.h"

namespace cube {
namespace {

class DeltaPackTest : public testing::Test {
 protected:
  void write(const std::vector<DeltaObject>& objects, const PackOptions& options = {9, 1, 3000}) {
    objects_ = objects;
    file_ = new_file(path());
    auto made = write_delta(file_, objects, bases_, options);
    ASSERT_TRUE(made) << made.error().what;
    written_ = std::make_unique<WrittenPack>(std::move(*made));
  }
  [[nodiscard]] const PackIndex& index() const { return written_->index; }
  [[nodiscard]] std::string path() const { return dir_.path() + "/delta.pack"; }
  [[nodiscard]] std::string stored(std::size_t chunk) const {
    return get(path()).substr(index().chunk_offset(chunk), index().chunks()[chunk].stored);
  }

  struct Outcome {
    std::map<std::string, std::string> whole;
    std::set<std::size_t> lost;
    std::size_t told_lost = 0;
  };
  // Reads all of it with the bases as they are now.
  Outcome read() {
    KeptObjects kept;
    auto reader = PackReader::make(index(), Wanted(index().objects().size(), true), &bases_);
    EXPECT_TRUE(reader);
    const auto bytes = get(path());
    for (std::size_t i = 0; i < index().chunks().size(); ++i) {
      const auto fed = reader->feed(
          i, std::string_view(bytes).substr(index().chunk_offset(i), index().chunks()[i].stored),
          kept);
      EXPECT_TRUE(fed) << fed.error().what;
    }
    EXPECT_TRUE(reader->finish());
    return {kept.whole, {reader->lost().begin(), reader->lost().end()}, kept.lost};
  }
  // What must come out when the objects with these numbers are lost.
  [[nodiscard]] std::map<std::string, std::string> all_but(
      const std::set<std::size_t>& lost) const {
    std::map<std::string, std::string> named;
    for (std::size_t i = 0; i < objects_.size(); ++i) {
      const auto& object = objects_[i].object;
      if (lost.count(i) == 0) named[describe(object.kind, sha256(object.bytes))] = object.bytes;
    }
    return named;
  }
  void expect_lost(const std::set<std::size_t>& lost) {
    const auto outcome = read();
    EXPECT_EQ(outcome.lost, lost);
    EXPECT_TRUE(outcome.whole == all_but(lost));
  }

  // Small files that share a chunk, each with its base, a large one and one without a base.
  std::vector<DeltaObject> sample() {
    std::vector<DeltaObject> objects{{{ObjectKind::commit, "the commit"}},
                                     {{ObjectKind::dirtree, words(200, 1)}}};
    for (unsigned i = 0; i < 6; ++i) {
      const auto old = random_bytes(800, 10 + i);  // not made of each other
      objects.push_back(
          {{ObjectKind::file, "header" + changed(old, 100 * i, i)}, {{all_of(bases_.keep(old))}}});
    }
    const auto old = random_bytes(9 << 20, 3);
    const auto base = bases_.keep(old);
    const auto window = [&](std::uint64_t from, std::uint32_t length) {
      return BaseWindows{{base, from, length}};
    };
    objects.push_back({{ObjectKind::file, "head" + changed(old, 5 << 20, 4)},
                       {window(0, 5 << 20), window(4 << 20, 5 << 20), window(8 << 20, 1 << 20)}});
    objects.push_back({{ObjectKind::file, words(500, 30)}});
    return objects;
  }

  ScratchDir dir_;
  Fd file_;
  KeptBases bases_;
  std::vector<DeltaObject> objects_;
  std::unique_ptr<WrittenPack> written_;
};

TEST_F(DeltaPackTest, WhatIsWrittenIsReadBackAndIsSmall) {
  write(sample());
  expect_lost({});
  EXPECT_EQ(index().from(), sha256("the older commit"));
  EXPECT_EQ(index().bases().size(), 7u);
  EXPECT_LT(get(path()).size(), 4000u) << "of 9 MiB of random bytes";
  EXPECT_LE(bases_.largest_read, max_prefix_bytes);
}

TEST_F(DeltaPackTest, TheIndexIsReadFromTheFile) {
  write(sample());
  const auto bytes = get(path());
  const Pack pack{"d.pack",
                  bytes.size(),
                  to_hex(sha256(bytes)),
                  written_->place.offset,
                  written_->place.length,
                  to_hex(written_->index_sha256)};
  const auto found = read_pack_index(file_, pack);
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(render_pack_index(*found), render_pack_index(index()));
  KeptObjects kept;
  ASSERT_TRUE(read_pack_objects(file_, *found, kept, &bases_));
  EXPECT_TRUE(kept.whole == all_but({}));
  bases_.contents.begin()->second[0] ^= 1;
  EXPECT_EQ(read_pack_objects(file_, *found, kept, &bases_).error().code, Errc::corrupt);
}

TEST_F(DeltaPackTest, TheNumberOfThreadsDoesNotMatter) {
  write(sample());
  const auto alone = get(path());
  for (const unsigned threads : {1U, 2U, 5U}) {
    write(objects_, {9, threads, 3000});
    EXPECT_TRUE(get(path()) == alone) << threads;
  }
}

TEST_F(DeltaPackTest, AMissingBaseCostsWhatIsMadeOfItAlone) {
  write(sample());
  ASSERT_LT(index().chunks().size(), objects_.size()) << "small files share chunks";
  const auto all = bases_.contents;
  for (std::size_t i = 2; i <= 8; ++i) {
    bases_.contents = all;
    bases_.contents.erase(objects_[i].windows[0][0].base.name);
    expect_lost({i});
  }
  bases_.contents.clear();
  expect_lost({2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(read().told_lost, 7u) << "each was begun";
  bases_.contents = all;
  expect_lost({});
}

TEST_F(DeltaPackTest, ADamagedBaseCostsWhatIsMadeOfItAlone) {
  write(sample());
  const auto all = bases_.contents;
  for (std::size_t i = 2; i <= 8; ++i) {
    bases_.contents = all;
    auto& content = bases_.contents[objects_[i].windows[0][0].base.name];
    content[content.size() - content.size() / 5] ^= 1;  // where the new file has the same
    expect_lost({i});
    content.pop_back();
    expect_lost({i});
    content.clear();
    expect_lost({i});
  }
}

TEST_F(DeltaPackTest, DamageThatTheDeltaDoesNotUseCostsNothing) {
  write(sample());
  auto& content = bases_.contents[objects_[2].windows[0][0].base.name];
  content[10] ^= 1;  // the new file has random bytes there
  expect_lost({});
}

TEST_F(DeltaPackTest, AnErrorThatIsNotOfOneBaseEndsTheTransfer) {
  write(sample());
  bases_.broken = Error{Errc::failed, "the disk is gone"};
  auto reader = PackReader::make(index(), Wanted(index().objects().size(), true), &bases_).value();
  KeptObjects kept;
  Status status = ok();
  for (std::size_t i = 0; status && i < index().chunks().size(); ++i)
    status = reader.feed(i, stored(i), kept);
  EXPECT_EQ(status.error().code, Errc::failed);
}

TEST_F(DeltaPackTest, BytesThatAreNotTheSignedOnesAreNoMatterOfBases) {
  write(sample());
  for (std::size_t chunk = 0; chunk < index().chunks().size(); ++chunk) {
    auto reader =
        PackReader::make(index(), Wanted(index().objects().size(), true), &bases_).value();
    KeptObjects kept;
    for (std::size_t i = 0; i < chunk; ++i) ASSERT_TRUE(reader.feed(i, stored(i), kept));
    auto bad = stored(chunk);
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    EXPECT_EQ(reader.feed(chunk, bad, kept).error().code, Errc::corrupt) << chunk;
    EXPECT_TRUE(reader.lost().empty());
  }
}

TEST_F(DeltaPackTest, WhatIsNotWantedNeedsNoBases) {
  write(sample());
  Wanted wanted(index().objects().size());
  wanted[0] = wanted[1] = true;
  auto reader = PackReader::make(index(), wanted, &bases_).value();
  KeptObjects kept;
  bases_.reads = 0;
  for (const auto& range : plan_ranges(index(), wanted, 0))
    for (std::size_t i = range.first; i < range.first + range.count; ++i)
      ASSERT_TRUE(reader.feed(i, stored(i), kept));
  ASSERT_TRUE(reader.finish());
  EXPECT_EQ(bases_.reads, 0u);
  EXPECT_EQ(kept.whole.size(), 2u);
  EXPECT_EQ(PackReader::make(index(), wanted).error().code, Errc::bug) << "no bases at all";
}

// A large file is made of small ones that the delta itself has before it.
TEST_F(DeltaPackTest, AFileOfTheDeltaIsABaseOfALaterOne) {
  const auto part = random_bytes(700'000, 1);
  bases_.contents[sha256("H" + part)] = part;
  const BaseWindow window{{sha256("H" + part), part.size()}, 0, 700'000};
  write({{{ObjectKind::commit, "the commit"}},
         {{ObjectKind::file, "H" + part}},
         {{ObjectKind::file, "archive" + part + "end"}, {{window}}}});
  EXPECT_LT(get(path()).size(), 701'000u);
  expect_lost({});
  // Without it before, or in the same chunk: not written.
  const auto file = new_file(path());
  EXPECT_EQ(write_delta(file,
                        {{{ObjectKind::commit, "the commit"}},
                         {{ObjectKind::file, "archive" + part + "end"}, {{window}}},
                         {{ObjectKind::file, "H" + part}}},
                        bases_)
                .error()
                .code,
            Errc::corrupt);
}

TEST_F(DeltaPackTest, WhatABaseMakesNoSmallerIsStored) {
  const auto base = bases_.keep(random_bytes(2000, 1));
  write({{{ObjectKind::commit, "the commit"}},
         {{ObjectKind::file, random_bytes(4000, 2)}, {{all_of(base)}}}});
  EXPECT_EQ(index().chunks()[1].encoding, Encoding::stored);
  EXPECT_TRUE(index().bases().empty());
  expect_lost({});
}

TEST_F(DeltaPackTest, TheWriterNeedsItsBases) {
  auto objects = sample();
  bases_.contents.erase(objects[4].windows[0][0].base.name);
  const auto file = new_file(path());
  EXPECT_EQ(write_delta(file, objects, bases_).error().code, Errc::not_found);
}

// Random files, each made of an old one by cutting, inserting, moving and repeating.
std::string mangled(const std::string& old, std::mt19937& random) {
  std::string made;
  for (int i = 0; i < 8; ++i) {
    const auto from = old.empty() ? 0 : random() % old.size();
    made += old.substr(from, random() % 3000);
    if (random() % 2 == 0) made += random_bytes(random() % 100, static_cast<unsigned>(random()));
  }
  return made;
}

TEST_F(DeltaPackTest, RandomFilesComeOutAsTheyWere) {
  std::mt19937 random(7);
  for (int round = 0; round < 12; ++round) {
    bases_.contents.clear();
    std::vector<DeltaObject> objects{{{ObjectKind::commit, "commit " + std::to_string(round)}}};
    for (unsigned i = 0; i < 30; ++i) {
      const auto old = words(1 + random() % 9000, static_cast<unsigned>(random()));
      const auto base = bases_.keep(old);
      BaseWindows windows;
      for (std::uint64_t at = random() % old.size(); at < old.size() && windows.size() < 4;) {
        const auto length = 1 + random() % (old.size() - at);
        windows.push_back({base, at, static_cast<std::uint32_t>(length)});
        at += length;
      }
      objects.push_back({{ObjectKind::file, std::to_string(i) + mangled(old, random)}, {windows}});
    }
    write(objects, {1 + round, 2, 1 + random() % 20'000});
    expect_lost({});
    // Some bases are gone: what comes out is right all the same.
    std::erase_if(bases_.contents, [&](const auto&) { return random() % 3 == 0; });
    const auto outcome = read();
    EXPECT_TRUE(outcome.whole == all_but(outcome.lost));
  }
}

std::string frame(const std::string& raw, const std::string& prefix) {
  std::string made(ZSTD_compressBound(raw.size()), '\0');
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_refPrefix(context, prefix.data(), prefix.size());
  made.resize(ZSTD_compress2(context, made.data(), made.size(), raw.data(), raw.size()));
  ZSTD_freeCCtx(context);
  return made;
}

Chunk described(std::string_view stored, std::size_t raw) {
  return {sha256(stored), static_cast<std::uint32_t>(stored.size()),
          static_cast<std::uint32_t>(raw), Encoding::delta, 1};
}

TEST(DeltaChunk, APrefixIsForOneChunkOnly) {
  const auto prefix = random_bytes(5000, 1);
  const auto raw = prefix + "and more";
  const auto stored = frame(raw, prefix);
  ASSERT_LT(stored.size(), 100u);
  auto decoder = ChunkDecoder::make().value();
  const auto entry = described(stored, raw.size());
  EXPECT_EQ(decoder.decode(entry, stored, prefix).value(), raw);
  EXPECT_EQ(decoder.decode(entry, stored, "").value(), std::nullopt) << "it needs the prefix";
  EXPECT_EQ(decoder.decode(entry, stored, prefix).value(), raw);
  EXPECT_EQ(decoder.decode(entry, stored).error().code, Errc::corrupt);
  // After a frame that is refused before it is begun, too.
  const auto torn = stored.substr(0, stored.size() - 1);
  EXPECT_EQ(decoder.decode(described(torn, raw.size()), torn, prefix).value(), std::nullopt);
  EXPECT_EQ(decoder.decode(entry, stored).error().code, Errc::corrupt);
}

TEST(DeltaChunk, AnotherPrefixGivesAsManyBytesOrNone) {
  const auto prefix = words(5000, 1);
  const auto raw = words(300, 9) + prefix + "and more";
  const auto stored = frame(raw, prefix);
  auto decoder = ChunkDecoder::make().value();
  const auto entry = described(stored, raw.size());
  for (std::size_t length :
       {std::size_t{0}, std::size_t{1}, std::size_t{4999}, std::size_t{5001}}) {
    const auto other = random_bytes(length, 5);
    const auto decoded = decoder.decode(entry, stored, other);
    ASSERT_TRUE(decoded) << decoded.error().what;
    EXPECT_EQ(decoded->value_or(raw).size(), raw.size());
  }
}

TEST(DeltaChunk, ALyingFrameIsNeverMoreThanItsSize) {
  const auto prefix = words(5000, 1);
  const auto raw = changed(prefix, 700, 2);
  const auto good = frame(raw, prefix);
  auto decoder = ChunkDecoder::make().value();
  int refused = 0;
  for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    const auto decoded = decoder.decode(described(bad, raw.size()), bad, prefix);
    ASSERT_TRUE(decoded) << decoded.error().what;
    EXPECT_EQ(decoded->value_or(raw).size(), raw.size());
    if (!*decoded) ++refused;
  }
  EXPECT_GT(refused, 50);
  auto entry = described(good, raw.size());
  entry.sha256[3] ^= 1;
  EXPECT_EQ(decoder.decode(entry, good, prefix).error().code, Errc::corrupt);
}

}  // namespace
}  // namespace cube
