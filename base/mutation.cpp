#include "base/mutation.h"

#ifdef CUBE_MUTATIONS
#include <cstdlib>

namespace cube {

bool mutated(std::string_view name) {
  const char* chosen = std::getenv("CUBE_MUTATION");
  return chosen != nullptr && name == chosen;
}

}  // namespace cube
#endif
