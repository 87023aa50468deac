#include "slots/pack/object.h"

#include <array>

namespace cube {

std::string describe(ObjectKind kind, const Sha256& name) {
  constexpr std::array<const char*, 4> kinds{"commit ", "dirtree ", "dirmeta ", "file "};
  return kinds[static_cast<std::size_t>(kind)] + to_hex(name);
}

}  // namespace cube
