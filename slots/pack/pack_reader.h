// PackReader: from the chunks of a pack, as they arrive, to the wanted objects.
//
// A chunk is decoded only after its SHA-256 was found to be that of the index, and an object ends
// only after its SHA-256 was found to be its name. Memory: two chunks, whatever the pack says.
// After an interruption a new reader goes on with the objects that are still wanted.
#pragma once

#include <optional>

#include "slots/pack/chunk_codec.h"
#include "slots/pack/pack_plan.h"

namespace cube {

class PackReader {
 public:
  // `index` outlives the reader. Errors: failed (memory).
  static Result<PackReader> make(const PackIndex& index, Wanted wanted);

  // Gives the sink what chunk `number` has of the wanted objects. Chunks come in ascending order;
  // one without wanted bytes may be left out. After an error the reader is of no further use.
  // Errors: corrupt (names chunk or object), bug (order, a wanted chunk left out), those of the
  // sink.
  Status feed(std::size_t number, std::string_view stored, ObjectSink& sink);
  // Ok when all wanted objects were given. Errors: bug.
  [[nodiscard]] Status finish() const;

 private:
  PackReader(const PackIndex& index, Wanted wanted, ChunkDecoder decoder)
      : index_(&index), wanted_(std::move(wanted)), decoder_(std::move(decoder)) {}
  Status give(std::size_t object, std::string_view bytes, bool begins, bool ends, ObjectSink& sink);

  const PackIndex* index_;
  Wanted wanted_;
  ChunkDecoder decoder_;
  std::unique_ptr<Sha256Hasher> hasher_ = std::make_unique<Sha256Hasher>();
  std::uint64_t position_ = 0;  // raw bytes before it were given, or are not wanted
};

}  // namespace cube
