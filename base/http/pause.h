// How long to wait before the next try of a request that failed. Pure.
#pragma once

#include <chrono>
#include <cstdint>

namespace cube {

// After the `failed`-th try in a row (1, 2, ...): 200 ms, doubled each time, at most 10 s; of that
// at least half, the rest by `random`, so that machines which failed together do not come back
// together. Never less than what the server asked for.
[[nodiscard]] std::chrono::milliseconds pause_after(int failed, std::uint32_t random,
                                                    std::chrono::seconds asked_to_wait);

}  // namespace cube
