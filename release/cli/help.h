// What cube-release says about itself and its commands.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace CLI {
class App;
}

namespace cube::publish_cli {

extern const char* const about;
extern const char* const footer;

// The same as `COMMAND --help`. Errors: invalid (no such command).
Result<int> help(const CLI::App& app, const std::vector<std::string>& words);

}  // namespace cube::publish_cli
