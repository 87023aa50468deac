// The parts of one run of the Publisher, for its own source files alone.
#pragma once

#include "base/fd.h"
#include "release/publisher.h"

namespace cube {

struct Publisher::Document {
  std::string name;  // of a role or of a release
  std::uint64_t version = 0;
  std::string text;
};

// What one run signs: the documents that are new, and the timestamp.
struct Publisher::Anew {
  std::vector<Document> delegated;
  std::optional<Document> targets;
  std::optional<Document> snapshot;
  Document timestamp;
};

// What is known and held from begin() to the last write, under the lock.
struct Publisher::Run {
  Fd lock;
  KeyFolder keys;
  Root root;
  std::optional<PublishedState> before;
  UnixSeconds now = 0;
  std::optional<std::uint64_t> days;
  Publication result;
};

// Takes the release's manifest and packs off a list.
void erase_release(Json::Object& targets, const std::string& name);

}  // namespace cube
