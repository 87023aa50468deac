// PackSource: the parts of one pack as they lie on a web server, in a folder or on a stick.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/http/http_client.h"
#include "model/release.h"
#include "slots/pack/pack_index.h"
#include "slots/pack/pack_plan.h"

namespace cube {

// Takes the bytes of one chunk as they are in the file; not verified.
using ChunkSink = std::function<Status(std::size_t number, std::string_view stored)>;

// Not thread-safe; one for each thread.
class PackSource {
 public:
  // `url` of the pack. `pack` outlives the source.
  PackSource(std::string url, const Pack& pack, HttpConfig http)
      : url_(std::move(url)), pack_(pack), http_(std::move(http)) {}

  // The index, verified. Errors: as HttpClient::get_range(), corrupt.
  Result<PackIndex> index();
  // Gives `take` the chunks of `range` in order, each when all of it has arrived.
  // Errors: as HttpClient::get_range(), those of `take`.
  Status read(const PackIndex& index, const ChunkRange& range, const ChunkSink& take);

 private:
  std::string url_;
  const Pack& pack_;
  HttpClient http_;
};

}  // namespace cube
