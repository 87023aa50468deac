// Small packs for tests: objects in memory, written to a file and read back.
#pragma once

#include <fcntl.h>

#include <map>
#include <random>
#include <string>
#include <vector>

#include "base/digest.h"
#include "slots/pack/pack_writer.h"

namespace cube {

struct TestObject {
  ObjectKind kind;
  std::string bytes;
};

// Keeps what it is given; in the right order, or it says so.
class KeptObjects : public ObjectSink {
 public:
  Status begin(const PackObject& object) override {
    if (open_) return Error{Errc::bug, "begin inside an object"};
    open_ = true;
    object_ = object;
    bytes_.clear();
    return ok();
  }
  Status write(std::string_view bytes) override {
    largest_piece = std::max(largest_piece, bytes.size());
    bytes_ += bytes;
    return ok();
  }
  Status end() override {
    if (!open_ || bytes_.size() != object_.length) return Error{Errc::bug, "a wrong end"};
    open_ = false;
    whole[describe(object_.kind, object_.name)] = bytes_;
    return ok();
  }
  Status lose() override {
    if (!open_) return Error{Errc::bug, "no object to lose"};
    open_ = false;
    ++lost;
    return ok();
  }
  std::map<std::string, std::string> whole;
  std::size_t lost = 0;
  std::size_t largest_piece = 0;

 private:
  bool open_ = false;
  PackObject object_;
  std::string bytes_;
};

inline std::string random_bytes(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string bytes(count, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random());
  return bytes;
}

// Text that gets about a third as long.
inline std::string words(std::size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::string text;
  while (text.size() < count) text += "word" + std::to_string(random() % 5000) + " ";
  return text.substr(0, count);
}

inline Status give(ObjectSink& sink, const TestObject& object) {
  CUBE_CHECK(sink.begin({object.kind, sha256(object.bytes), object.bytes.size()}));
  for (std::size_t at = 0; at < object.bytes.size(); at += 70000)
    CUBE_CHECK(sink.write(std::string_view(object.bytes).substr(at, 70000)));
  return sink.end();
}

inline Fd new_file(const std::string& path) {
  return Fd(::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
}

// The first object is the commit.
inline Result<WrittenPack> write_pack(const Fd& file, const std::vector<TestObject>& objects,
                                      const PackOptions& options = {3, 1, 1000}) {
  CUBE_TRY(const auto writer, PackWriter::make(file, sha256(objects[0].bytes), options));
  for (const auto& object : objects) CUBE_CHECK(give(*writer, object));
  return writer->finish();
}

}  // namespace cube
