// ObjectReader: objects of a repository of any kind, each proved by its name.
//
// Bare repositories are read here, others by libostree; OpenSSL hashes, with the CPU's own
// instructions. Not thread-safe: one for each thread. Inside slots/ostree only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/inode_header.h"
#include "slots/pack/object.h"

namespace cube {

// What an object was found to be.
struct CheckedObject {
  std::uint64_t length = 0;  // of its bytes
  std::uint64_t device = 0;  // and inode: the file that was read; 0 of an archive
  std::uint64_t inode = 0;
};

class ObjectReader {
 public:
  // `repository` is a path. Reading from the device is for bare repositories; others are read
  // through the cache. Errors: not_found, corrupt, failed.
  static Result<ObjectReader> open(const std::string& repository,
                                   Reading reading = Reading::cached);
  ObjectReader(ObjectReader&&) noexcept;
  ObjectReader& operator=(ObjectReader&&) noexcept;
  ~ObjectReader();

  // Gives the sink the object: its end() is called only after the bytes were found to be those of
  // the name. Errors: corrupt (missing, unreadable, other bytes, no sense), those of the sink.
  Status read(const ObjectId& id, ObjectSink& sink);
  // Errors: corrupt, as read().
  Result<CheckedObject> check(const ObjectId& id);
  // A commit, dirtree or dirmeta, of which libostree's functions may rely on the structure.
  // Errors: corrupt, as read().
  Result<glib::Variant> tree_object(const ObjectId& id);

 private:
  struct State;
  explicit ObjectReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube
