// StagedPack: the parts of a pack that were downloaded ahead: a sparse file with the pack's own
// layout. Nothing is noted about which parts are there: their digests tell.
#pragma once

#include <optional>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "model/release.h"
#include "slots/pack/pack_index.h"

namespace cube {

// Thread-safe.
class StagedPack {
 public:
  // Only to read; nullopt: there is none. Errors: failed.
  static Result<std::optional<StagedPack>> open(const std::string& path, const Pack& pack);
  // To add parts; its folder exists. Errors: no_space, failed.
  static Result<StagedPack> create(const std::string& path, const Pack& pack);

  // The index as the manifest has it; nullopt: not there. Errors: corrupt (no sense).
  [[nodiscard]] Result<std::optional<PackIndex>> index() const;
  // Whether the chunk is there; its bytes are then in `stored`.
  [[nodiscard]] bool read(const PackIndex& index, std::size_t chunk, std::string& stored) const;

  // Errors: corrupt (the bytes are not those of the index), no_space, failed.
  Status keep(const PackIndex& index, std::size_t chunk, std::string_view stored) const;
  // Errors: no_space, failed.
  Status keep_index(std::string_view bytes) const;
  // What stands before the first chunk. Errors: no_space, failed.
  Status keep_header() const;
  // Of the whole file, as it is. Errors: failed.
  [[nodiscard]] Result<Sha256> sha256() const;
  // What was kept is on the disk. Errors: no_space, failed.
  Status sync() const;

 private:
  StagedPack(Fd file, const Pack& pack) : file_(std::move(file)), pack_(pack) {}
  Fd file_;
  Pack pack_;
};

}  // namespace cube
