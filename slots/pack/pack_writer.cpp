#include "slots/pack/pack_writer.h"

#include <algorithm>

#include "base/io.h"

namespace cube {
namespace {

constexpr unsigned max_threads = 64;
constexpr std::size_t job_bytes = max_chunk_bytes;  // raw and prefixes

std::uint64_t bytes_of(const BaseWindows& windows) {
  std::uint64_t bytes = 0;
  for (const auto& window : windows) bytes += window.length;
  return bytes;
}

bool same_window(const BaseWindow& left, const BaseWindow& right) {
  return left.base.name == right.base.name && left.offset == right.offset &&
         left.length == right.length;
}

}  // namespace

PackWriter::Encoded PackWriter::encode_all(ChunkEncoder& encoder,
                                           const std::vector<RawChunk>& chunks) {
  std::vector<Made> encoded;
  encoded.reserve(chunks.size());
  for (const auto& raw : chunks) {
    CUBE_TRY(auto made, encoder.encode(raw.bytes, raw.prefix));
    made.bytes.shrink_to_fit();
    encoded.push_back({std::move(made), raw.windows});
  }
  return encoded;
}

Result<std::unique_ptr<PackWriter>> PackWriter::make(const Fd& file, const Sha256& commit,
                                                     const PackOptions& options) {
  if (options.threads < 1 || options.threads > max_threads)
    return Error{Errc::invalid, "threads: must be 1 to " + std::to_string(max_threads)};
  if (options.group_bytes < 1 || options.group_bytes > max_chunk_bytes)
    return Error{Errc::invalid, "a group of objects must have 1 byte to 4 MiB"};
  std::unique_ptr<PackWriter> writer(new PackWriter(file, commit, options.group_bytes));
  for (unsigned i = 0; i < options.threads; ++i) {
    CUBE_TRY(auto encoder, ChunkEncoder::make(options.level));
    writer->encoders_.push_back(std::move(encoder));
  }
  return writer;
}

Result<std::unique_ptr<PackWriter>> PackWriter::make_delta(const Fd& file, const Sha256& commit,
                                                           const PackOptions& options,
                                                           const Sha256& from, BaseObjects& bases) {
  CUBE_TRY(auto writer, make(file, commit, options));
  writer->content_.from = from;
  writer->bases_ = &bases;
  return writer;
}

// Whether a small object may join those that share the chunk.
bool PackWriter::fits(const PackObject& object) const {
  const auto& objects = content_.objects;
  const bool first_file = object.kind == ObjectKind::file && !objects.empty() &&
                          objects.back().kind != ObjectKind::file;
  if (first_file || object.length >= group_bytes_) return false;
  // The chunk is at most a group long here, so the sum does not overflow.
  if (chunk_.bytes.size() + object.length > group_bytes_) return false;
  const auto added = next_windows_.empty() ? 0 : bytes_of(next_windows_[0]);
  return bytes_of(chunk_.windows) + added <= max_prefix_bytes;
}

Status PackWriter::begin(const PackObject& object) {
  if (left_ != 0) return Error{Errc::bug, "pack: an object begins inside another"};
  if (content_.objects.size() == max_pack_objects)
    return Error{Errc::corrupt, "pack: more than 2^20 objects do not fit into one"};
  if (!fits(object)) CUBE_CHECK(cut());
  content_.objects.push_back(object);
  left_ = object.length;
  piece_ = 0;
  add_windows();
  return ok();
}

// What comes next of the object is compressed against these, too.
void PackWriter::add_windows() {
  if (piece_ >= next_windows_.size()) return;
  auto& windows = chunk_.windows;
  for (const auto& window : next_windows_[piece_++])
    if (std::none_of(windows.begin(), windows.end(),
                     [&](const BaseWindow& other) { return same_window(window, other); }))
      windows.push_back(window);
}

Status PackWriter::write(std::string_view bytes) {
  if (bytes.size() > left_) return Error{Errc::bug, "pack: an object is longer than it said"};
  hasher_.update(bytes);
  left_ -= bytes.size();
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, max_chunk_bytes - chunk_.bytes.size());
    chunk_.bytes += part;
    bytes.remove_prefix(part.size());
    if (chunk_.bytes.size() < max_chunk_bytes) continue;
    CUBE_CHECK(cut());
    if (left_ + bytes.size() > 0) add_windows();
  }
  return ok();
}

Status PackWriter::end() {
  const auto& object = content_.objects.back();
  if (left_ != 0 || hasher_.finish() != object.name)
    return Error{Errc::corrupt, describe(object.kind, object.name) + ": its content is another"};
  next_windows_.clear();
  return object.length >= group_bytes_ ? cut() : ok();
}

Status PackWriter::lose() {
  return Error{Errc::bug, "pack: an object that was begun is lost"};
}

Status PackWriter::cut() {
  if (chunk_.bytes.empty()) return ok();
  for (const auto& window : chunk_.windows)
    CUBE_CHECK(bases_->read(window.base.name, window.base.size, window.offset, window.length,
                            chunk_.prefix));
  batch_bytes_ += chunk_.bytes.size() + chunk_.prefix.size();
  batch_.push_back(std::move(chunk_));
  chunk_ = {};
  return batch_bytes_ >= job_bytes ? start_job() : ok();
}

Status PackWriter::start_job() {
  if (jobs_.size() == encoders_.size()) CUBE_CHECK(finish_job());
  auto& encoder = encoders_[jobs_started_++ % encoders_.size()];
  jobs_.push_back(std::async(std::launch::async, [&encoder, batch = std::move(batch_)] {
    return encode_all(encoder, batch);
  }));
  batch_ = {};
  batch_bytes_ = 0;
  return ok();
}

// The oldest one, so that chunks are written in their order.
Status PackWriter::finish_job() {
  auto encoded = jobs_.front().get();
  jobs_.pop_front();
  if (!encoded) return std::move(encoded).error();
  for (auto& [chunk, windows] : *encoded) {
    CUBE_CHECK(write_at(*file_, chunk.bytes, static_cast<off_t>(file_end_)));
    file_end_ += chunk.bytes.size();
    if (chunk.entry.encoding == Encoding::delta) put_windows(chunk.entry, windows);
    content_.chunks.push_back(chunk.entry);
  }
  return ok();
}

void PackWriter::put_windows(Chunk& entry, const BaseWindows& windows) {
  entry.windows = static_cast<std::uint32_t>(windows.size());
  for (const auto& window : windows) {
    const auto number = static_cast<std::uint32_t>(content_.bases.size());
    const auto [known, is_new] = base_numbers_.try_emplace(window.base.name, number);
    if (is_new) content_.bases.push_back(window.base);
    content_.windows.push_back({known->second, window.length, window.offset});
  }
}

Result<WrittenPack> PackWriter::finish() {
  if (left_ != 0) return Error{Errc::bug, "pack: its last object did not end"};
  CUBE_CHECK(cut());
  if (!batch_.empty()) CUBE_CHECK(start_job());
  while (!jobs_.empty()) CUBE_CHECK(finish_job());
  CUBE_TRY(auto index, PackIndex::make(std::move(content_)));
  const auto bytes = render_pack_index(index);
  const IndexPlace place{file_end_, bytes.size()};
  CUBE_CHECK(write_at(*file_, bytes, static_cast<off_t>(file_end_)));
  CUBE_CHECK(write_at(*file_, render_pack_header(place), 0));
  return WrittenPack{std::move(index), place, sha256(bytes)};
}

}  // namespace cube
