#include "slots/pack/pack_reader.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

// Whether an object is wanted that has a byte in [from, to) of the raw bytes.
bool any_wanted(const PackIndex& index, const Wanted& wanted, std::uint64_t from,
                std::uint64_t to) {
  if (from == to) return false;
  for (auto i = index.object_at(from); i < wanted.size() && index.object_start(i) < to; ++i)
    if (wanted[i]) return true;
  return false;
}

}  // namespace

Result<PackReader> PackReader::make(const PackIndex& index, Wanted wanted) {
  if (wanted.size() != index.objects().size())
    return Error{Errc::bug, "pack: wanted objects of another index"};
  CUBE_TRY(auto decoder, ChunkDecoder::make());
  return PackReader(index, std::move(wanted), std::move(decoder));
}

Status PackReader::feed(std::size_t number, std::string_view stored, ObjectSink& sink) {
  if (number >= index_->chunks().size() || index_->chunk_start(number) < position_)
    return Error{Errc::bug, "pack: chunk " + std::to_string(number) + " out of order"};
  const auto start = index_->chunk_start(number);
  const auto end = index_->chunk_start(number + 1);
  if (any_wanted(*index_, wanted_, position_, start))
    return Error{Errc::bug, "pack: a wanted chunk before " + std::to_string(number) + " left out"};
  position_ = end;
  if (!any_wanted(*index_, wanted_, start, end)) return ok();
  auto raw = decoder_.decode(index_->chunks()[number], stored);
  if (!raw) return std::move(raw).error().in("pack: chunk " + std::to_string(number));
  for (auto i = index_->object_at(start); i < wanted_.size() && index_->object_start(i) < end;
       ++i) {
    if (!wanted_[i]) continue;
    const auto from = std::max(start, index_->object_start(i));
    const auto to = std::min(end, index_->object_start(i + 1));
    CUBE_CHECK(give(i, raw->substr(from - start, to - from), from == index_->object_start(i),
                    to == index_->object_start(i + 1), sink));
  }
  return ok();
}

Status PackReader::give(std::size_t object, std::string_view bytes, bool begins, bool ends,
                        ObjectSink& sink) {
  const auto& entry = index_->objects()[object];
  if (begins) CUBE_CHECK(sink.begin(entry));
  hasher_->update(bytes);
  CUBE_CHECK(sink.write(bytes));
  if (!ends) return ok();
  if (hasher_->finish() != entry.name && !mutated("packed-object-not-checked"))
    return Error{Errc::corrupt,
                 "pack: " + describe(entry.kind, entry.name) + ": its content is another"};
  return sink.end();
}

Status PackReader::finish() const {
  const auto end = index_->chunk_start(index_->chunks().size());
  if (position_ == end || !any_wanted(*index_, wanted_, position_, end)) return ok();
  return Error{Errc::bug, "pack: not all wanted objects were read"};
}

}  // namespace cube
