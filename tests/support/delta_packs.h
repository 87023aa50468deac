// Deltas for tests: contents in memory as bases, file objects with a header of their own.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "slots/pack/pack_reader.h"
#include "tests/support/packs.h"

namespace cube {

// Bases in memory, each of which can be taken away or damaged.
class KeptBases : public BaseObjects {
 public:
  Base keep(const std::string& content) {
    const auto name = sha256("base " + content);
    contents[name] = content;
    return {name, content.size()};
  }
  Status read(const Sha256& name, std::uint64_t size, std::uint64_t offset, std::size_t length,
              std::string& bytes) override {
    ++reads;
    largest_read = std::max(largest_read, length);
    if (broken) return *broken;
    const auto found = contents.find(name);
    if (found == contents.end()) return Error{Errc::not_found, "no such base"};
    if (found->second.size() != size) {
      bytes += "left over";
      return Error{Errc::corrupt, "another size"};
    }
    bytes.append(found->second, offset, length);
    return ok();
  }
  std::map<Sha256, std::string> contents;
  std::optional<Error> broken;
  std::size_t reads = 0;
  std::size_t largest_read = 0;
};

// An object of a delta, with the windows for each 4 MiB of it.
struct DeltaObject {
  TestObject object;
  std::vector<BaseWindows> windows = {};
};

inline BaseWindow all_of(const Base& base) {
  return {base, 0, static_cast<std::uint32_t>(base.size)};
}

// The first object is the commit.
inline Result<WrittenPack> write_delta(const Fd& file, const std::vector<DeltaObject>& objects,
                                       BaseObjects& bases,
                                       const PackOptions& options = {3, 1, 1000},
                                       const Sha256& from = sha256("the older commit")) {
  CUBE_TRY(const auto writer,
           PackWriter::make_delta(file, sha256(objects[0].object.bytes), options, from, bases));
  for (const auto& [object, windows] : objects) {
    writer->base_next_on(windows);
    CUBE_CHECK(give(*writer, object));
  }
  return writer->finish();
}

// A text of which a part is replaced.
inline std::string changed(std::string text, std::size_t at, unsigned seed) {
  const auto other = random_bytes(std::min<std::size_t>(20, text.size() - at), seed);
  return text.replace(at, other.size(), other);
}

}  // namespace cube
