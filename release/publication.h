// What a run of the publisher came to.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"

namespace cube {

struct Publication {
  std::vector<std::string> releases;   // names, newly published
  std::vector<std::string> withdrawn;  // names, no longer published, or never to be
  std::vector<std::string> signed_roles;
  std::vector<std::string> warnings;  // one sentence each
  UnixSeconds expires = 0;            // of timestamp.json: renew before
};

}  // namespace cube
