// ObjectReader: objects of a repository of any kind, each proved by its name.
//
// libostree reads; OpenSSL hashes, with the CPU's own instructions. Not thread-safe: one for each
// thread.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "slots/pack/object.h"

namespace cube {

class ObjectReader {
 public:
  // `repository` is a path. Errors: not_found, corrupt, failed.
  static Result<ObjectReader> open(const std::string& repository);
  ObjectReader(ObjectReader&&) noexcept;
  ObjectReader& operator=(ObjectReader&&) noexcept;
  ~ObjectReader();

  // Gives the sink the object: its end() is called only after the bytes were found to be those of
  // the name. Errors: corrupt (missing, unreadable, other bytes, no sense), those of the sink.
  Status read(const ObjectId& id, ObjectSink& sink);
  // The number of its bytes. Errors: corrupt, as read().
  Result<std::uint64_t> check(const ObjectId& id);

 private:
  struct State;
  explicit ObjectReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube
