#include "slots/pack/pack_source.h"

#include <algorithm>

namespace cube {

Result<PackIndex> PackSource::index() {
  if (pack_.index_length > max_index_bytes)
    return Error{Errc::corrupt, url_ + ": its index is too long"};
  std::string bytes;
  bytes.reserve(pack_.index_length);
  CUBE_CHECK(http_.get_range(url_, {pack_.index_offset, pack_.index_length, pack_.length},
                             [&](std::string_view piece) {
                               bytes += piece;
                               return ok();
                             }));
  if (to_hex(sha256(bytes)) != pack_.index_sha256)
    return Error{Errc::corrupt, url_ + ": the SHA-256 of its index is not that of the manifest"};
  auto index = parse_pack_index(bytes, pack_.index_offset);
  if (!index) return std::move(index).error().in(url_);
  return index;
}

Status PackSource::read(const PackIndex& index, const ChunkRange& range, const ChunkSink& take) {
  std::string begun;  // the part of a chunk that did not come in one piece
  std::size_t number = range.first;
  const auto cut = [&](std::string_view piece) -> Status {
    while (!piece.empty()) {
      const std::size_t length = index.chunks()[number].stored;
      const auto part = piece.substr(0, length - begun.size());
      piece.remove_prefix(part.size());
      if (begun.size() + part.size() < length) {
        begun += part;
        return ok();
      }
      if (!begun.empty()) begun += part;
      CUBE_CHECK(take(number++, begun.empty() ? part : begun));
      begun.clear();
    }
    return ok();
  };
  return http_.get_range(url_, {range.offset, range.length, pack_.length}, cut);
}

}  // namespace cube
