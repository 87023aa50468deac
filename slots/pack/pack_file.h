// A pack as a file: what a manifest says of one is checked against all of its bytes.
#pragma once

#include "base/fd.h"
#include "model/release.h"
#include "slots/pack/base_objects.h"
#include "slots/pack/pack_index.h"

namespace cube {

// The verified index. Of the file only header and index are read. `file` can be read at any
// offset. Errors: corrupt, failed.
Result<PackIndex> read_pack_index(const Fd& file, const Pack& pack);
// Gives the sink every object of the pack, after its chunks and the object itself were found to be
// what they should be. In bounded memory. `bases` is for deltas. Errors: corrupt (also: an object
// of a delta is lost), failed, those of the sink and of the bases.
Status read_pack_objects(const Fd& file, const PackIndex& index, ObjectSink& sink,
                         BaseObjects* bases = nullptr);

}  // namespace cube
