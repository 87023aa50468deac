#include "slots/pack/pack_file.h"

#include <sys/stat.h>

#include "base/io.h"
#include "slots/pack/pack_reader.h"

namespace cube {
Result<PackIndex> read_pack_index(const Fd& file, const Pack& pack) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  if (static_cast<std::uint64_t>(st.st_size) != pack.length)
    return Error{Errc::corrupt, "has " + std::to_string(st.st_size) + " bytes instead of " +
                                    std::to_string(pack.length)};
  std::string bytes;
  CUBE_CHECK(read_at(file, 0, pack_header_bytes, bytes));
  if (bytes != render_pack_header({pack.index_offset, pack.index_length}))
    return Error{Errc::corrupt, "its header is not what the manifest says"};
  if (pack.index_length > max_index_bytes) return Error{Errc::corrupt, "its index is too long"};
  CUBE_CHECK(read_at(file, pack.index_offset, pack.index_length, bytes));
  if (to_hex(sha256(bytes)) != pack.index_sha256)
    return Error{Errc::corrupt, "the SHA-256 of its index is not that of the manifest"};
  return parse_pack_index(bytes, pack.index_offset);
}

Status read_pack_objects(const Fd& file, const PackIndex& index, ObjectSink& sink,
                         BaseObjects* bases) {
  CUBE_TRY(auto reader, PackReader::make(index, Wanted(index.objects().size(), true), bases));
  std::string bytes;
  for (std::size_t i = 0; i < index.chunks().size(); ++i) {
    CUBE_CHECK(read_at(file, index.chunk_offset(i), index.chunks()[i].stored, bytes));
    CUBE_CHECK(reader.feed(i, bytes, sink));
    if (reader.lost().empty()) continue;
    const auto& object = index.objects()[reader.lost()[0]];
    return Error{Errc::corrupt, describe(object.kind, object.name) +
                                    ": does not come out of the older release's files"};
  }
  return reader.finish();
}

}  // namespace cube
