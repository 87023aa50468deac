// Objects as packs know them: a name, which is the SHA-256 of the object's bytes, and a kind.
//
// The bytes are those that libostree hashes. For commits, dirtrees and dirmetas: the serialized
// object. For files and symlinks: a header (owner, mode, link target, extended attributes), then
// the content; docs/pack-format.md has it byte by byte. So one rule proves every object.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/digest.h"
#include "base/result.h"

namespace cube {

// In the order in which packs have them.
enum class ObjectKind : std::uint8_t { commit, dirtree, dirmeta, file };

struct ObjectId {
  ObjectKind kind = ObjectKind::file;
  Sha256 name{};

  friend auto operator<=>(const ObjectId&, const ObjectId&) = default;
};

struct PackObject {
  ObjectKind kind = ObjectKind::file;
  Sha256 name{};
  std::uint64_t length = 0;  // of its bytes; never 0
};

// "file 0123..." for messages.
[[nodiscard]] std::string describe(ObjectKind kind, const Sha256& name);
[[nodiscard]] inline std::string describe(const ObjectId& id) {
  return describe(id.kind, id.name);
}

// Takes objects one after the other. An error ends the transfer and is passed on.
class ObjectSink {
 public:
  virtual ~ObjectSink() = default;
  virtual Status begin(const PackObject& object) = 0;
  // The bytes of the object in order, in pieces of any size.
  virtual Status write(std::string_view bytes) = 0;
  // All bytes were given, and their SHA-256 is the object's name.
  virtual Status end() = 0;
  // The object that was begun cannot be completed (a base of a delta is missing or damaged); what
  // was written of it is to be forgotten.
  virtual Status lose() = 0;
};

}  // namespace cube
