// PackReader: from the chunks of a pack, as they arrive, to the wanted objects.
//
// A chunk is decoded only after its SHA-256 was found to be that of the index, and an object ends
// only after its SHA-256 was found to be its name. Memory: two chunks, whatever the pack says, and
// of a delta at most 8 MiB of bases. After an interruption a new reader goes on with the objects
// that are still wanted.
//
// The chunks of a delta need files of the older release. One that is missing or damaged costs only
// the objects that are made of its bytes: they are lost, the sink is told so, and the caller takes
// them from elsewhere.
#pragma once

#include <optional>
#include <vector>

#include "slots/pack/base_objects.h"
#include "slots/pack/chunk_codec.h"
#include "slots/pack/pack_plan.h"

namespace cube {

class PackReader {
 public:
  // `index` and `bases` outlive the reader. `bases` may be null when no chunk of the index needs
  // them. Errors: failed (memory), bug (no bases for a delta; wanted objects of another index).
  static Result<PackReader> make(const PackIndex& index, Wanted wanted,
                                 BaseObjects* bases = nullptr);

  // Gives the sink what chunk `number` has of the wanted objects. Chunks come in ascending order;
  // one without wanted bytes may be left out. After an error the reader is of no further use.
  // Errors: corrupt (names chunk or object), bug (order, a wanted chunk left out), those of the
  // sink, and those of the bases but not_found and corrupt.
  Status feed(std::size_t number, std::string_view stored, ObjectSink& sink);
  // The wanted objects, by their number in the index, that could not be made so far.
  [[nodiscard]] const std::vector<std::size_t>& lost() const { return lost_; }
  // Ok when all wanted objects were given or are lost. Errors: bug.
  [[nodiscard]] Status finish() const;

 private:
  // What a chunk has of an object.
  struct Piece {
    std::size_t object = 0;
    std::string_view bytes;
    bool begins = false;
    bool ends = false;
  };

  PackReader(const PackIndex& index, Wanted wanted, ChunkDecoder decoder, BaseObjects* bases)
      : index_(&index), wanted_(std::move(wanted)), decoder_(std::move(decoder)), bases_(bases) {}
  Result<std::optional<std::string_view>> decode(std::size_t number, std::string_view stored);
  Status read_prefix(std::size_t number);
  Status give(const Piece& piece, bool from_bases, ObjectSink& sink);
  Status lose(std::size_t object, bool begun, ObjectSink& sink);

  const PackIndex* index_;
  Wanted wanted_;
  ChunkDecoder decoder_;
  BaseObjects* bases_;
  std::string prefix_;
  std::unique_ptr<Sha256Hasher> hasher_ = std::make_unique<Sha256Hasher>();
  bool object_from_bases_ = false;  // the object that was begun has bytes of such a chunk
  std::uint64_t position_ = 0;      // raw bytes before it were given, or are not wanted
  std::vector<std::size_t> lost_;
};

}  // namespace cube
