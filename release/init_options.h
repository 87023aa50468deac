// What a new repository begins with.
#pragma once

#include <cstdint>
#include <optional>

#include "release/passphrase.h"
#include "release/settings.h"

namespace cube {

struct InitOptions {
  Settings settings;
  std::uint64_t root_keys = 3;
  std::optional<std::uint64_t> root_threshold;  // nullopt: more than half of the root keys
  bool protect = false;                         // new keys get passphrases
  Passphrases* passphrases = nullptr;           // outlives the publisher
};

}  // namespace cube
