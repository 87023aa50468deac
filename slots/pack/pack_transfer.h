// Gets objects out of a pack by several threads, each with its own connection.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/http/http_client.h"
#include "model/release.h"
#include "slots/pack/base_objects.h"
#include "slots/pack/pack_index.h"
#include "slots/pack/pack_plan.h"

namespace cube {

// A pack, and where it is.
struct PackPlace {
  std::string url;
  Pack pack;
  HttpConfig http;
};

// Where one thread puts the objects that it gets, and where it has the bases of a delta from.
struct PackOutlet {
  std::unique_ptr<ObjectSink> sink;
  std::unique_ptr<BaseObjects> bases;  // null: there are none
};

// Gives the wanted objects to outlets, one for each thread, made in that thread by `open`; chunks
// and objects are verified as PackReader does. In ranges with gaps of at most max_gap_bytes. `tell`
// is called in the caller's thread with the bytes that came and those to come. Errors: as
// PackSource::read() and PackReader::feed(), those of `open`.
Status transfer(const PackPlace& place, const PackIndex& index, const Wanted& wanted,
                const std::function<Result<PackOutlet>()>& open,
                const std::function<void(std::uint64_t done, std::uint64_t total)>& tell);

// Cuts `wanted` into consecutive parts of about equal raw size, at most `parts`, none smaller than
// `least` bytes but the last; no chunk is needed for two of them. Pure.
[[nodiscard]] std::vector<Wanted> split_wanted(const PackIndex& index, const Wanted& wanted,
                                               std::size_t parts, std::uint64_t least);

}  // namespace cube
