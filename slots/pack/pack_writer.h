// PackWriter: writes a pack from objects that arrive one after the other.
//
// Small objects share chunks, in the order in which they arrive; metadata and files do not, and a
// large object has its chunks for itself. Chunks are compressed by several threads; the bytes of
// the pack do not depend on their number. Memory: about 16 MiB for each thread besides what zstd
// takes at the level, and the index.
#pragma once

#include <deque>
#include <future>
#include <memory>

#include "base/fd.h"
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

  // Objects in the order of their kinds, the commit first. Errors: corrupt (the bytes are not those
  // of the name), no_space, failed.
  Status begin(const PackObject& object) override;
  Status write(std::string_view bytes) override;
  Status end() override;
  Status lose() override;

  // Writes what is left, the index and the header; the caller syncs the file.
  // Errors: corrupt (what PackIndex::make() refuses), no_space, failed.
  Result<WrittenPack> finish();

 private:
  using Encoded = Result<std::vector<EncodedChunk>>;

  PackWriter(const Fd& file, const Sha256& commit, std::size_t group_bytes)
      : file_(&file), group_bytes_(group_bytes) {
    content_.commit = commit;
  }
  Status cut();
  Status start_job();
  Status finish_job();

  const Fd* file_;
  std::size_t group_bytes_;
  PackIndex::Content content_;
  Sha256Hasher hasher_;
  std::uint64_t left_ = 0;          // of the object that is being written
  std::string chunk_;               // raw bytes that are not cut off yet
  std::vector<std::string> batch_;  // raw chunks for the next job
  std::size_t batch_bytes_ = 0;
  std::uint64_t file_end_ = pack_header_bytes;
  std::vector<ChunkEncoder> encoders_;  // before jobs_: a job uses one to its end
  std::size_t jobs_started_ = 0;
  std::deque<std::future<Encoded>> jobs_;  // at most one for each encoder
};

}  // namespace cube
