// PackSource: the parts of one pack: what was downloaded ahead, and the rest as it lies on a web
// server, in a folder or on a stick.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/http/http_client.h"
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
};

// Takes the bytes of one chunk as they are in the file; not verified.
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
  PackSource(const PackPlace& place, std::optional<StagedPack> staged)
      : place_(&place), staged_(std::move(staged)), http_(place.http) {}
  Status download(const PackIndex& index, const std::vector<std::size_t>& chunks,
                  const ChunkSink& take);
  Status download(const PackIndex& index, const ChunkRange& range, const ChunkSink& take);

  const PackPlace* place_;
  std::string begun_;  // the part of a chunk that did not come in one piece
  std::optional<StagedPack> staged_;
  HttpClient http_;
};

}  // namespace cube
