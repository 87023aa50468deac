// Gets parts of a pack by several threads, each with its own connection: objects into a repository,
// or chunks into a StagedPack.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "base/progress.h"
#include "slots/pack/base_objects.h"
#include "slots/pack/pack_index.h"
#include "slots/pack/pack_plan.h"
#include "slots/pack/pack_source.h"

namespace cube {

// Where one thread puts the objects that it gets, and where it has the bases of a delta from.
struct PackOutlet {
  std::unique_ptr<ObjectSink> sink;
  std::unique_ptr<BaseObjects> bases;  // null: there are none
};

// Gives the wanted objects to outlets, each of which is made by `open` in the thread that uses it;
// chunks and objects are verified as PackReader does. Objects of a delta that are lost are left
// out. `progress` is told of a stage "fetch" in bytes of the file. Errors: as PackSource::read()
// and PackReader::feed(), those of `open`, cancelled.
Status get_objects(const PackPlace& place, const PackIndex& index, const Wanted& wanted,
                   const std::function<Result<PackOutlet>()>& open, const ProgressSink& progress);

// What get_objects() would download, and how much of it is not there yet: bytes.
struct StagingPlan {
  std::vector<std::size_t> missing;  // chunks
  std::uint64_t missing_bytes = 0;
  std::uint64_t total_bytes = 0;  // the index included
};

[[nodiscard]] StagingPlan plan_staging(const StagedPack& staged, const Pack& pack,
                                       const PackIndex& index, const Wanted& wanted);

// Downloads these chunks into `staged`, verified; durable when it returns. Errors: as
// PackSource::read(), corrupt, no_space, cancelled.
Status get_chunks(const PackPlace& place, const PackIndex& index, const StagingPlan& plan,
                  const StagedPack& staged, const ProgressSink& progress);

}  // namespace cube
