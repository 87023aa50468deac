// BaseObjects: the files that a machine has already, as what a delta was made against.
//
// A delta names parts of them: windows (docs/pack-format.md). Only contents count, not owner, mode
// or attributes, so a machine reads its files as they are. They are files of the older commit, or
// files of the delta itself that the reader gave before: an initramfs is made of the new modules.
#pragma once

#include <cstdint>
#include <string>

#include "base/digest.h"
#include "base/result.h"

namespace cube {

class BaseObjects {
 public:
  virtual ~BaseObjects() = default;
  // Appends `length` bytes of the content of the file object `name`, from `offset` of the content
  // on; of every object, too, whose end() a PackReader's sink was told before, in the order in
  // which the pack has them. They need not be verified: what is made of them is. `size` is what the
  // whole content must have. At most 8 MiB are asked for at a time. On an error nothing may be said
  // of what was appended; the caller cuts it off. Errors: not_found, corrupt (another size, or
  // unreadable): an object that needs these bytes is lost and the reader goes on; any other code
  // ends the transfer.
  virtual Status read(const Sha256& name, std::uint64_t size, std::uint64_t offset,
                      std::size_t length, std::string& bytes) = 0;
};

}  // namespace cube
