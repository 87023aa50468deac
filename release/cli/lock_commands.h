// cube-release lock, and the options about locks that other commands have.
#pragma once

#include <functional>
#include <string>

#include "base/result.h"
#include "insight/locks/lock_file.h"
#include "release/cli/commands.h"

namespace CLI {
class App;
}

namespace cube::publish_cli {

using AddCommand = std::function<CLI::App*(CLI::App& parent, const char* name, const char* help,
                                           const char* example, std::function<Result<int>()>)>;
// `common` outlives the commands.
void add_lock_commands(CLI::App& app, const AddCommand& add, Common& common);
// --locks.
void add_locks(CLI::App& command, std::string& file);
// --waive, --reason, --until.
void add_waive(CLI::App& command, WaiveOptions& options);

struct LockCommand {
  std::string place;   // a release, the folder of a tree or a file with an inventory; of init "":
                       // the newest published release
  std::string before;  // the same, to compare with; "": nothing
  std::string file;    // with the rules; "": the repository's
  insight::LockChoice choice;
};

// Writes rules that hold what a known-good release has. Errors: refused (there are rules already).
Result<int> lock_init(const Common& common, const LockCommand& command);
// Exit code 6 when a rule is broken.
Result<int> lock_check(const Common& common, const LockCommand& command);

}  // namespace cube::publish_cli
