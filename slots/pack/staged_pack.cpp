#include "slots/pack/staged_pack.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {

Result<std::optional<StagedPack>> StagedPack::open(const std::string& path, const Pack& pack) {
  Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno == ENOENT) return std::optional<StagedPack>();
  if (!file.valid()) return system_error("open " + path);
  return std::optional<StagedPack>(StagedPack(std::move(file), pack));
}

Result<StagedPack> StagedPack::create(const std::string& path, const Pack& pack) {
  Fd file(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.valid()) return system_error("create " + path);
  return StagedPack(std::move(file), pack);
}

Result<std::optional<PackIndex>> StagedPack::index() const {
  std::string bytes;
  if (pack_.index_length > max_index_bytes ||
      !read_at(file_, pack_.index_offset, pack_.index_length, bytes) ||
      to_hex(cube::sha256(bytes)) != pack_.index_sha256)
    return std::optional<PackIndex>();
  CUBE_TRY(auto index, parse_pack_index(bytes, pack_.index_offset));
  return std::optional<PackIndex>(std::move(index));
}

bool StagedPack::read(const PackIndex& index, std::size_t chunk, std::string& stored) const {
  const auto& entry = index.chunks()[chunk];
  return read_at(file_, index.chunk_offset(chunk), entry.stored, stored) &&
         cube::sha256(stored) == entry.sha256;
}

Status StagedPack::keep(const PackIndex& index, std::size_t chunk, std::string_view stored) const {
  if (cube::sha256(stored) != index.chunks()[chunk].sha256 && !mutated("staged-chunk-not-checked"))
    return Error{Errc::corrupt, "pack: chunk " + std::to_string(chunk) + ": another SHA-256"};
  return write_at(file_, stored, static_cast<off_t>(index.chunk_offset(chunk)));
}

Status StagedPack::keep_index(std::string_view bytes) const {
  return write_at(file_, bytes, static_cast<off_t>(pack_.index_offset));
}

Status StagedPack::keep_header() const {
  return write_at(file_, render_pack_header({pack_.index_offset, pack_.index_length}), 0);
}

Result<Sha256> StagedPack::sha256() const {
  if (::lseek(file_.get(), 0, SEEK_SET) != 0) return system_error("seek in a pack");
  return sha256_of_rest(file_);
}

Status StagedPack::sync() const {
  return sync_file(file_);
}

}  // namespace cube
