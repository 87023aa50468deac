// Deliberately broken builds, to prove that the tests would notice. In a normal build mutated() is
// the constant false and costs nothing. With -DCUBE_MUTATIONS=ON (preset asan; never shipped) the
// environment variable CUBE_MUTATION names the one promise that is broken; tests/mutation/run tries
// each and fails if the suite still passes. Every name used here must be listed in tests/mutation/list.
#pragma once

#include <string_view>

namespace cube {

#ifdef CUBE_MUTATIONS
[[nodiscard]] bool mutated(std::string_view name);
#else
[[nodiscard]] constexpr bool mutated(std::string_view) { return false; }
#endif

}  // namespace cube
