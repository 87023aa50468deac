#include "slots/pack/pack_writer.h"

#include <algorithm>

#include "base/io.h"

namespace cube {
namespace {

constexpr unsigned max_threads = 64;
constexpr std::size_t job_bytes = max_chunk_bytes;

Result<std::vector<EncodedChunk>> encode_all(ChunkEncoder& encoder,
                                             const std::vector<std::string>& chunks) {
  std::vector<EncodedChunk> encoded;
  encoded.reserve(chunks.size());
  for (const auto& raw : chunks) {
    CUBE_TRY(auto made, encoder.encode(raw));
    made.bytes.shrink_to_fit();
    encoded.push_back(std::move(made));
  }
  return encoded;
}

}  // namespace

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

Status PackWriter::begin(const PackObject& object) {
  const auto& objects = content_.objects;
  if (left_ != 0) return Error{Errc::bug, "pack: an object begins inside another"};
  if (objects.size() == max_pack_objects)
    return Error{Errc::corrupt, "pack: more than 2^20 objects do not fit into one"};
  const bool first_file = object.kind == ObjectKind::file && !objects.empty() &&
                          objects.back().kind != ObjectKind::file;
  // The chunk is at most a group long here, so the second sum does not overflow.
  if (first_file || object.length >= group_bytes_ || chunk_.size() + object.length > group_bytes_)
    CUBE_CHECK(cut());
  content_.objects.push_back(object);
  left_ = object.length;
  return ok();
}

Status PackWriter::write(std::string_view bytes) {
  if (bytes.size() > left_) return Error{Errc::bug, "pack: an object is longer than it said"};
  hasher_.update(bytes);
  left_ -= bytes.size();
  while (!bytes.empty()) {
    const auto part = bytes.substr(0, max_chunk_bytes - chunk_.size());
    chunk_ += part;
    bytes.remove_prefix(part.size());
    if (chunk_.size() == max_chunk_bytes) CUBE_CHECK(cut());
  }
  return ok();
}

Status PackWriter::end() {
  const auto& object = content_.objects.back();
  if (left_ != 0 || hasher_.finish() != object.name)
    return Error{Errc::corrupt, describe(object.kind, object.name) + ": its content is another"};
  return object.length >= group_bytes_ ? cut() : ok();
}

Status PackWriter::cut() {
  if (chunk_.empty()) return ok();
  batch_bytes_ += chunk_.size();
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
  for (const auto& chunk : *encoded) {
    CUBE_CHECK(write_at(*file_, chunk.bytes, static_cast<off_t>(file_end_)));
    file_end_ += chunk.bytes.size();
    content_.chunks.push_back(chunk.entry);
  }
  return ok();
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
