// Inside slots/ostree only: the bytes of one object (slots/pack/object.h) as libostree reads them
// from a repository of any kind.
#pragma once

#include <array>
#include <memory>
#include <string_view>

#include "base/result.h"
#include "slots/ostree/glib.h"
#include "slots/pack/object.h"

namespace cube {

[[nodiscard]] OstreeObjectType type_of(ObjectKind kind);

class ObjectStream {
 public:
  static constexpr std::size_t piece_bytes = 256 * 1024;
  // Aligned for reading from a device.
  struct alignas(4096) Buffer : std::array<char, piece_bytes> {};

  // `buffer` outlives the stream. Errors: corrupt (missing, unreadable), failed.
  static Result<ObjectStream> open(OstreeRepo* repository, const ObjectId& id, Buffer& buffer);

  [[nodiscard]] std::uint64_t length() const { return length_; }
  // The next piece, valid until the next call; empty at the end. Errors: corrupt (unreadable, not
  // as long as it says).
  Result<std::string_view> next();

 private:
  ObjectStream(glib::Object<GInputStream> stream, std::uint64_t length, Buffer& buffer)
      : stream_(std::move(stream)), length_(length), buffer_(&buffer) {}

  glib::Object<GInputStream> stream_;
  std::uint64_t length_;
  std::uint64_t done_ = 0;
  Buffer* buffer_;
};

}  // namespace cube
