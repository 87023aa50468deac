#include "slots/ostree/pack_choice.h"

#include <algorithm>

namespace cube {

std::vector<PackPlace> usable_packs(const Release& release, const ObjectSource& source,
                                    const ObjectsAtHand& at_hand) {
  std::vector<PackPlace> deltas, full;
  for (std::size_t i = 0; i < release.packs.size(); ++i) {
    const auto& pack = release.packs[i];
    PackPlace place{i < source.packs.size() ? source.packs[i] : "", pack, source.http, "",
                    source.mirrors};
    if (!source.staging.empty()) place.staged = source.staging + "/" + pack.sha256 + ".pack";
    if (place.url.empty() && place.staged.empty()) continue;
    if (pack.from.empty()) {
      full.push_back(std::move(place));
    } else if (const auto from = parse_sha256(pack.from)) {
      const ObjectId commit{ObjectKind::commit, *from};
      if (at_hand.in_own(commit) || at_hand.in_running(commit)) deltas.push_back(std::move(place));
    }
  }
  const auto shorter = [](const PackPlace& left, const PackPlace& right) {
    return left.pack.length < right.pack.length;
  };
  std::stable_sort(deltas.begin(), deltas.end(), shorter);
  if (deltas.size() > 1) deltas.resize(1);
  deltas.insert(deltas.end(), full.begin(), full.end());
  return deltas;
}

Wanted lacking(const PackIndex& index, const ObjectsAtHand& at_hand) {
  Wanted wanted;
  for (const auto& object : index.objects()) {
    const ObjectId id{object.kind, object.name};
    wanted.push_back(!at_hand.in_own(id) && !at_hand.in_running(id));
  }
  return wanted;
}

bool another_may_have_it(const Error& error) {
  if (error.sys_errno != 0) return false;
  return error.code == Errc::not_found || error.code == Errc::corrupt ||
         error.code == Errc::failed || error.code == Errc::invalid;
}

}  // namespace cube
