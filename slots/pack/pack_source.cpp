#include "slots/pack/pack_source.h"

#include "base/mutation.h"

namespace cube {

namespace {

bool is_cancelled(const HttpConfig& http) {
  return http.cancelled && http.cancelled();
}

}  // namespace

PackSource::PackSource(const PackPlace& place, std::optional<StagedPack> staged)
    : place_(&place), staged_(std::move(staged)), http_(place.http) {
  if (place.mirrors)
    mirrors_.emplace(place.mirrors, place.http.max_bytes_per_second, place.http.cancelled);
}

std::vector<Mirrors::Place> PackSource::mirrors_now() const {
  return mirrors_ ? place_->mirrors->of(place_->url) : std::vector<Mirrors::Place>();
}

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
  CUBE_TRY(auto received, index_bytes());
  auto index = parse_pack_index(received, pack.index_offset);
  if (!index) return std::move(index).error().in(place_->url);
  if (bytes != nullptr) *bytes = std::move(received);
  return index;
}

// Of a mirror first; verified.
Result<std::string> PackSource::index_bytes() {
  for (const auto& mirror : mirrors_now()) {
    auto received = index_bytes([&](const ByteRange& range, const ByteSink& take) {
      return mirrors_->get_range(mirror, range, take);
    });
    if (received) return received;
    if (is_cancelled(place_->http)) return received;
    place_->mirrors->give_up(mirror, received.error());
  }
  auto received = index_bytes([&](const ByteRange& range, const ByteSink& take) {
    return http_.get_range(place_->url, range, take);
  });
  if (!received && received.error().code == Errc::corrupt)
    return std::move(received).error().in(place_->url);
  return received;
}

Result<std::string> PackSource::index_bytes(const Ask& ask) const {
  const auto& pack = place_->pack;
  std::string received;
  received.reserve(pack.index_length);
  CUBE_CHECK(ask({pack.index_offset, pack.index_length, pack.length}, [&](std::string_view piece) {
    received += piece;
    return ok();
  }));
  if (to_hex(sha256(received)) == pack.index_sha256) return received;
  return Error{Errc::corrupt, "the SHA-256 of its index is not that of the manifest"};
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

Status PackSource::download(const PackIndex& index, ChunkRange range, const ChunkSink& take) {
  for (const auto& mirror : mirrors_now()) {
    CUBE_CHECK(from_mirror(mirror, index, range, take));
    if (range.count == 0) return ok();
  }
  return download(
      index, range,
      [&](const ByteRange& bytes, const ByteSink& sink) {
        return http_.get_range(place_->url, bytes, sink);
      },
      take);
}

// Of `range` what is left for others is left; whatever is wrong with the mirror is no error.
Status PackSource::from_mirror(const Mirrors::Place& mirror, const PackIndex& index,
                               ChunkRange& range, const ChunkSink& take) {
  Status taken = ok();
  const auto rest = range;
  const auto verified = [&](std::size_t number, std::string_view stored) -> Status {
    if (sha256(stored) != index.chunks()[number].sha256 && !mutated("mirror-believed"))
      return Error{Errc::corrupt, "chunk " + std::to_string(number) + " has another SHA-256"};
    taken = take(number, stored);
    if (!taken) return taken;
    const std::uint64_t bytes = index.chunks()[number].stored;
    range = {number + 1, range.count - 1, range.offset + bytes, range.length - bytes};
    return ok();
  };
  const auto status = download(
      index, rest,
      [&](const ByteRange& bytes, const ByteSink& sink) {
        return mirrors_->get_range(mirror, bytes, sink);
      },
      verified);
  if (!taken || status) return taken;
  if (is_cancelled(place_->http)) return status;
  place_->mirrors->give_up(mirror, status.error());
  return ok();
}

Status PackSource::download(const PackIndex& index, const ChunkRange& range, const Ask& ask,
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
  return ask({range.offset, range.length, place_->pack.length}, cut);
}

}  // namespace cube
