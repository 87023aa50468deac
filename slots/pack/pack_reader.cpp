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

Result<PackReader> PackReader::make(const PackIndex& index, Wanted wanted, BaseObjects* bases) {
  if (wanted.size() != index.objects().size())
    return Error{Errc::bug, "pack: wanted objects of another index"};
  if (!index.bases().empty() && bases == nullptr)
    return Error{Errc::bug, "pack: a delta without the files that it was made from"};
  CUBE_TRY(auto decoder, ChunkDecoder::make());
  return PackReader(index, std::move(wanted), std::move(decoder), bases);
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
  const bool from_bases = index_->chunks()[number].encoding == Encoding::delta;
  auto raw = decode(number, stored);
  if (!raw) return std::move(raw).error().in("pack: chunk " + std::to_string(number));
  for (auto i = index_->object_at(start); i < wanted_.size() && index_->object_start(i) < end;
       ++i) {
    if (!wanted_[i]) continue;
    const auto from = std::max(start, index_->object_start(i));
    const auto to = std::min(end, index_->object_start(i + 1));
    const bool begins = from == index_->object_start(i);
    if (*raw)
      CUBE_CHECK(give(
          {i, (*raw)->substr(from - start, to - from), begins, to == index_->object_start(i + 1)},
          from_bases, sink));
    else
      CUBE_CHECK(lose(i, !begins, sink));
  }
  return ok();
}

// nullopt: the chunk is the signed one, and cannot be decoded with these bases.
Result<std::optional<std::string_view>> PackReader::decode(std::size_t number,
                                                           std::string_view stored) {
  const auto& entry = index_->chunks()[number];
  if (entry.encoding == Encoding::delta) {
    CUBE_CHECK(read_prefix(number));
    return decoder_.decode(entry, stored, prefix_);
  }
  CUBE_TRY(const auto raw, decoder_.decode(entry, stored));
  return std::optional(raw);
}

// A window that is missing is read as zeros: what was not made of it comes out right all the same,
// and what was does not have its name.
Status PackReader::read_prefix(std::size_t number) {
  std::size_t length = 0;
  for (const auto& window : index_->windows_of(number)) length += window.length;
  // Not grown step by step, which would hold it twice.
  if (prefix_.capacity() < length) prefix_ = std::string();
  prefix_.clear();
  prefix_.reserve(length);
  for (const auto& window : index_->windows_of(number)) {
    const auto& base = index_->bases()[window.base];
    const auto before = prefix_.size();
    auto read = bases_->read(base.name, base.size, window.offset, window.length, prefix_);
    if (!read && read.error().code != Errc::not_found && read.error().code != Errc::corrupt)
      return read;
    if (!read || prefix_.size() != before + window.length) prefix_.resize(before);
    prefix_.resize(before + window.length, '\0');
  }
  return ok();
}

Status PackReader::give(const Piece& piece, bool from_bases, ObjectSink& sink) {
  const auto& entry = index_->objects()[piece.object];
  if (piece.begins) CUBE_CHECK(sink.begin(entry));
  object_from_bases_ = from_bases || (object_from_bases_ && !piece.begins);
  hasher_->update(piece.bytes);
  CUBE_CHECK(sink.write(piece.bytes));
  if (!piece.ends) return ok();
  if (hasher_->finish() == entry.name || mutated("packed-object-not-checked")) return sink.end();
  if (object_from_bases_) return lose(piece.object, true, sink);
  return Error{Errc::corrupt,
               "pack: " + describe(entry.kind, entry.name) + ": its content is another"};
}

Status PackReader::lose(std::size_t object, bool begun, ObjectSink& sink) {
  wanted_[object] = false;
  lost_.push_back(object);
  (void)hasher_->finish();  // the next object begins anew
  return begun ? sink.lose() : ok();
}

Status PackReader::finish() const {
  const auto end = index_->chunk_start(index_->chunks().size());
  if (position_ == end || !any_wanted(*index_, wanted_, position_, end)) return ok();
  return Error{Errc::bug, "pack: not all wanted objects were read"};
}

}  // namespace cube
