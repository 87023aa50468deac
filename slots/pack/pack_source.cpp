#include "slots/pack/pack_source.h"

namespace cube {

Result<PackSource> PackSource::open(const PackPlace& place) {
  std::optional<StagedPack> staged;
  if (!place.staged.empty()) {
    CUBE_TRY(staged, StagedPack::open(place.staged, place.pack));
  }
  return PackSource(place, std::move(staged));
}

Result<PackIndex> PackSource::index(std::string* bytes) {
  if (staged_ && bytes == nullptr) {
    CUBE_TRY(auto kept, staged_->index());
    if (kept) return std::move(*kept);
  }
  const auto& pack = place_->pack;
  if (pack.index_length > max_index_bytes)
    return Error{Errc::corrupt, place_->url + ": its index is too long"};
  std::string received;
  received.reserve(pack.index_length);
  CUBE_CHECK(http_.get_range(place_->url, {pack.index_offset, pack.index_length, pack.length},
                             [&](std::string_view piece) {
                               received += piece;
                               return ok();
                             }));
  if (to_hex(sha256(received)) != pack.index_sha256)
    return Error{Errc::corrupt,
                 place_->url + ": the SHA-256 of its index is not that of the manifest"};
  auto index = parse_pack_index(received, pack.index_offset);
  if (!index) return std::move(index).error().in(place_->url);
  if (bytes != nullptr) *bytes = std::move(received);
  return index;
}

Status PackSource::read(const PackIndex& index, const std::vector<std::size_t>& chunks,
                        const ChunkSink& take) {
  if (!staged_) return download(index, chunks, take);
  std::string stored;
  std::vector<std::size_t> missing;  // before the next one that is there
  for (const auto chunk : chunks) {
    if (!staged_->read(index, chunk, stored)) {
      missing.push_back(chunk);
      continue;
    }
    CUBE_CHECK(download(index, missing, take));
    missing.clear();
    CUBE_CHECK(take(chunk, stored));
  }
  return download(index, missing, take);
}

Status PackSource::download(const PackIndex& index, const std::vector<std::size_t>& chunks,
                            const ChunkSink& take) {
  for (const auto& range : join_chunks(index, chunks, max_gap_bytes))
    CUBE_CHECK(download(index, range, take));
  return ok();
}

Status PackSource::download(const PackIndex& index, const ChunkRange& range,
                            const ChunkSink& take) {
  begun_.clear();
  std::size_t number = range.first;
  const auto cut = [&](std::string_view piece) -> Status {
    while (!piece.empty()) {
      const std::size_t length = index.chunks()[number].stored;
      const auto part = piece.substr(0, length - begun_.size());
      piece.remove_prefix(part.size());
      if (begun_.size() + part.size() < length) {
        begun_.reserve(length);
        begun_ += part;
        return ok();
      }
      if (!begun_.empty()) begun_ += part;
      CUBE_CHECK(take(number++, begun_.empty() ? part : begun_));
      begun_.clear();
    }
    return ok();
  };
  return http_.get_range(place_->url, {range.offset, range.length, place_->pack.length}, cut);
}

}  // namespace cube
