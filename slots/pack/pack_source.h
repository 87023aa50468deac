// PackSource: the parts of one pack: what was downloaded ahead, and the rest as it lies on a web
// server, in a folder or on a stick; from the server's mirrors first. What these give is verified
// here, chunk by chunk, so a mirror costs a part of a chunk and its patience, never the update.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/http_client.h"
#include "base/http/mirrors.h"
#include "model/release.h"
#include "slots/pack/pack_index.h"
#include "slots/pack/pack_plan.h"
#include "slots/pack/staged_pack.h"

namespace cube {

// A pack, and where it is.
struct PackPlace {
  std::string url;  // "": it can only be downloaded ahead
  Pack pack;
  HttpConfig http;
  std::string staged;  // path of its StagedPack, which may be missing; "": there is none
  std::shared_ptr<Mirrors> mirrors{};  // of the server that `url` is at; null: none
};

// Takes the bytes of one chunk as they are in the file; not verified, unless they are a mirror's.
using ChunkSink = std::function<Status(std::size_t number, std::string_view stored)>;

// Fetching so many bytes for nothing costs less than one more request
// (docs/decisions/0009-packs.md).
inline constexpr std::uint64_t max_gap_bytes = 128 * 1024;

// Not thread-safe; one for each thread.
class PackSource {
 public:
  // `place` outlives the source. Errors: failed.
  static Result<PackSource> open(const PackPlace& place);

  // The index, verified; `bytes` gets it as it is in the file, when that is asked for.
  // Errors: as HttpClient::get_range(), corrupt.
  Result<PackIndex> index(std::string* bytes = nullptr);
  // Gives `take` these chunks, ascending, each when all of it is there; and those between them that
  // came along. Errors: as HttpClient::get_range(), those of `take`.
  Status read(const PackIndex& index, const std::vector<std::size_t>& chunks,
              const ChunkSink& take);

 private:
  // Asks for a range of the file.
  using Ask = std::function<Status(const ByteRange& range, const ByteSink& take)>;

  PackSource(const PackPlace& place, std::optional<StagedPack> staged);
  Status download(const PackIndex& index, const std::vector<std::size_t>& chunks,
                  const ChunkSink& take);
  Status download(const PackIndex& index, ChunkRange range, const ChunkSink& take);
  Status download(const PackIndex& index, const ChunkRange& range, const Ask& ask,
                  const ChunkSink& take);
  Status from_mirror(const Mirrors::Place& mirror, const PackIndex& index, ChunkRange& range,
                     const ChunkSink& take);
  [[nodiscard]] std::vector<Mirrors::Place> mirrors_now() const;
  Result<std::string> index_bytes(const Ask& ask) const;
  Result<std::string> index_bytes();

  const PackPlace* place_;
  std::string begun_;  // the part of a chunk that did not come in one piece
  std::optional<StagedPack> staged_;
  HttpClient http_;
  std::optional<MirrorClient> mirrors_;
};

}  // namespace cube
