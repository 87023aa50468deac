// PackWriter: writes a pack from objects that arrive one after the other.
//
// Small objects share chunks, in the order in which they arrive; metadata and files do not, and a
// large object has its chunks for itself. Chunks are compressed by several threads; the bytes of
// the pack do not depend on their number. Memory: about 16 MiB for each thread, of a delta 32 MiB,
// besides what zstd takes at the level, and the index.
#pragma once

#include <deque>
#include <future>
#include <map>
#include <memory>

#include "base/fd.h"
#include "slots/pack/base_objects.h"
#include "slots/pack/chunk_codec.h"
#include "slots/pack/pack_index.h"

namespace cube {

struct PackOptions {
  int level = 9;
  unsigned threads = 1;  // 1 to 64
  // Small objects are put together up to so many raw bytes: a client that lacks one of them fetches
  // all. docs/decisions/0009-packs.md has the measurements.
  std::size_t group_bytes = 128 * 1024;
};

// A part of the content of a file that the older commit has.
struct BaseWindow {
  Base base;
  std::uint64_t offset = 0;
  std::uint32_t length = 0;
};
using BaseWindows = std::vector<BaseWindow>;

struct WrittenPack {
  PackIndex index;
  IndexPlace place;
  Sha256 index_sha256{};
};

class PackWriter : public ObjectSink {
 public:
  // `file` is empty, open for writing, and outlives the writer. Errors: invalid (options), failed.
  static Result<std::unique_ptr<PackWriter>> make(const Fd& file, const Sha256& commit,
                                                  const PackOptions& options);
  // A delta from the commit `from`. `bases` outlives the writer and is used in the caller's thread.
  // Errors: as make().
  static Result<std::unique_ptr<PackWriter>> make_delta(const Fd& file, const Sha256& commit,
                                                        const PackOptions& options,
                                                        const Sha256& from, BaseObjects& bases);

  // For a delta: what the next object is compressed against. `windows` has one list for each 4 MiB
  // of the object, each of at most 8 MiB; what is not there has none.
  void base_next_on(std::vector<BaseWindows> windows) { next_windows_ = std::move(windows); }
  // Objects in the order of their kinds, the commit first. Errors: corrupt (the bytes are not those
  // of the name), no_space, failed, those of the bases.
  Status begin(const PackObject& object) override;
  Status write(std::string_view bytes) override;
  Status end() override;
  Status lose() override;

  // Writes what is left, the index and the header; the caller syncs the file.
  // Errors: corrupt (what PackIndex::make() refuses), no_space, failed, those of the bases.
  Result<WrittenPack> finish();

 private:
  struct RawChunk {
    std::string bytes;
    BaseWindows windows;
    std::string prefix;
  };
  struct Made {
    EncodedChunk chunk;
    BaseWindows windows;
  };
  using Encoded = Result<std::vector<Made>>;

  PackWriter(const Fd& file, const Sha256& commit, std::size_t group_bytes)
      : file_(&file), group_bytes_(group_bytes) {
    content_.commit = commit;
  }
  static Encoded encode_all(ChunkEncoder& encoder, const std::vector<RawChunk>& chunks);
  [[nodiscard]] bool fits(const PackObject& object) const;
  void add_windows();
  Status cut();
  Status start_job();
  Status finish_job();
  void put_windows(Chunk& entry, const BaseWindows& windows);

  const Fd* file_;
  std::size_t group_bytes_;
  BaseObjects* bases_ = nullptr;
  PackIndex::Content content_;
  Sha256Hasher hasher_;
  std::uint64_t left_ = 0;                 // of the object that is being written
  std::vector<BaseWindows> next_windows_;  // of the next object, then of the one being written
  std::size_t piece_ = 0;                  // of that object: which of its windows come next
  RawChunk chunk_;                         // raw bytes that are not cut off yet
  std::vector<RawChunk> batch_;            // for the next job
  std::size_t batch_bytes_ = 0;
  std::uint64_t file_end_ = pack_header_bytes;
  std::map<Sha256, std::uint32_t> base_numbers_;
  std::vector<ChunkEncoder> encoders_;  // before jobs_: a job uses one to its end
  std::size_t jobs_started_ = 0;
  std::deque<std::future<Encoded>> jobs_;  // at most one for each encoder
};

}  // namespace cube
