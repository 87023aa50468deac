// May this release be installed on this machine? One pure function; belief (signatures) comes
// before it, space and health come after it.
#pragma once

#include <string>

#include "base/result.h"
#include "model/journal.h"
#include "model/release.h"

namespace cube {

// `product` is the machine's; `running` is the name of the running release, "" when unknown.
// Errors: unsuitable (other product, epoch below the floor, older than the newest release ever
// committed, denied), nothing_to_do (it runs already).
Status admissible(const Release& release, const std::string& product, const std::string& running,
                  const Journal& journal);

}  // namespace cube
