// Two verified releases for tests that need some. Nothing forges them: once per process a
// repository is signed into a temporary folder and read by the real client.
#pragma once

#include <cstdint>
#include <string>

#include "keys/verified.h"
#include "model/release.h"

namespace cube {

const Verified<Release>& old_release();  // CUBE_2.2.3_20220401-1200_aaaa1111, epoch 1
const Verified<Release>& new_release();  // CUBE_2.2.4_20220421-1616_55765df7, epoch 1

// A manifest of that release, as a publisher would write it.
std::string manifest_of(const std::string& release, std::uint64_t epoch = 1);

}  // namespace cube
