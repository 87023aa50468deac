#include "model/policy.h"

#include "base/mutation.h"

namespace cube {
namespace {

Error unsuitable(const Release& release, const std::string& why) {
  return {Errc::unsuitable, "release " + release.name.text + " " + why};
}

Status above_floor(const Release& release, const Floor& floor) {
  if (mutated("floor-ignored")) return ok();
  if (release.epoch < floor.epoch)
    return unsuitable(release, "has security epoch " + std::to_string(release.epoch) +
                                   ", below this machine's " + std::to_string(floor.epoch) +
                                   "; publish it again with a higher epoch");
  if (floor.release.empty()) return ok();
  const auto newest = ReleaseName::parse(floor.release);
  if (!newest)
    return unsuitable(release, "cannot be compared: the journal's floor is not a release name");
  if (compare_age(release.name, *newest) < 0)
    return unsuitable(release, "is older than " + floor.release +
                                   ", which was committed here; choose that or a newer one");
  return ok();
}

}  // namespace

Status admissible(const Release& release, const std::string& product, const std::string& running,
                  const Journal& journal) {
  if (release.name.product != product && !mutated("other-product-accepted"))
    return unsuitable(release, "is for product " + release.name.product +
                                   ", but this machine is a " + product +
                                   "; choose a release of that product");
  if (release.name.text == running)
    return Error{Errc::nothing_to_do, "release " + running + " is running already"};
  CUBE_CHECK(above_floor(release, journal.floor));
  if (is_denied(journal, release))
    return unsuitable(release,
                      "was denied on this machine after it failed or by an operator; "
                      "choose another, or allow it again");
  return ok();
}

}  // namespace cube
