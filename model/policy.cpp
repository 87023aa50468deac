#include "model/policy.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

Error unsuitable(const Release& release, const std::string& why) {
  return {Errc::unsuitable, "release " + release.name.text + " " + why};
}

Status above_floor(const Release& release, const Standing& standing) {
  const Floor& floor = standing.floor;
  if (mutated("floor-ignored")) return ok();
  if (release.epoch < floor.epoch)
    return unsuitable(release, "has security epoch " + std::to_string(release.epoch) +
                                   ", below this machine's " + std::to_string(floor.epoch) +
                                   "; publish it again with a higher epoch");
  if (floor.release.empty() || standing.allow_downgrade) return ok();
  const auto newest = ReleaseName::parse(floor.release);
  if (!newest)
    return unsuitable(release, "cannot be compared: the journal's floor is not a release name");
  if (compare_age(release.name, *newest) < 0)
    return unsuitable(release, "is older than " + floor.release +
                                   ", which was committed here; choose that or a newer one, or "
                                   "insist with --allow-downgrade");
  return ok();
}

}  // namespace

Status reads_state(const std::string& name, std::uint64_t schema, const Standing& standing) {
  if (schema >= standing.schema || standing.past_floor || mutated("point-of-no-return-ignored"))
    return ok();
  return Error{Errc::refused,
               name + " cannot read the state that is kept here: its publisher gave that schema " +
                   std::to_string(standing.schema) + ", and this release knows schema " +
                   std::to_string(schema) +
                   "; restore the state from before, and insist with --past-floor"};
}

Status admissible(const Release& release, const Standing& standing, const Journal& journal) {
  const auto& product = standing.product;
  if (release.name.product != product && !mutated("other-product-accepted"))
    return unsuitable(release, "is for product " + release.name.product +
                                   ", but this machine is a " + product +
                                   "; choose a release of that product");
  if (release.name.text == standing.running)
    return Error{Errc::nothing_to_do, "release " + standing.running + " is running already"};
  CUBE_CHECK(above_floor(release, standing));
  if (is_denied(journal, release))
    return unsuitable(release,
                      "was denied on this machine after it failed or by an operator; "
                      "choose another, or allow it again");
  const auto blocked = standing.blocked.find(release.name.text);
  if (blocked != standing.blocked.end() && !mutated("plan-block-ignored"))
    return unsuitable(release, "is blocked " + blocked->second +
                                   "; choose another, or insist with --allow-blocked");
  return reads_state(release.name.text, release.schema, standing);
}

Floor higher(const Floor& left, const Floor& right) {
  const auto of_left = ReleaseName::parse(left.release),
             of_right = ReleaseName::parse(right.release);
  const bool right_is_newer = of_right && (!of_left || compare_age(*of_left, *of_right) < 0);
  return {std::max(left.epoch, right.epoch), right_is_newer ? right.release : left.release};
}

}  // namespace cube
