// Commands of which main.cpp only knows that they are there.
#pragma once

#include <functional>

#include "agent/cli/commands.h"

namespace CLI {
class App;
}

namespace cube::cli {

inline constexpr const char* past_floor_help =
    "also to a release that cannot read the state of the one that was committed here";

// Adds a command to one that has others, with --json and --root.
using Add = std::function<CLI::App*(CLI::App& parent, const char* name, const char* help,
                                    std::function<Result<int>()> run)>;

// `common` and what is chosen outlive the commands.
void add_status(const Add& add, CLI::App& app, const Common& common, std::string& drift);
void add_diff(const Add& add, CLI::App& app, const Common& common, DiffOptions& options);
void add_preflight(const Add& add, CLI::App& app, const Common& common, bool& in_virtual_machine);

void add_rollback(const Add& add, CLI::App& app, const Common& common, RollbackOptions& options);

}  // namespace cube::cli
