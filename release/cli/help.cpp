#include "release/cli/help.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>

#include "release/cli/exit_code.h"

namespace cube::publish_cli {

const char* const about =
    "cube-release makes signed releases for cube-update: it turns a root file system into a "
    "release, signs it, and keeps the folder that machines update from.";

const char* const footer =
    "Example, from nothing to a release that machines can install:\n"
    "  cube-release init /srv/cube --product CUBE\n"
    "  cube-release compose rootfs --version 2.2.4 --repository /srv/cube\n"
    "  cube-release pack --repository /srv/cube\n"
    "  cube-release publish --repository /srv/cube\n"
    "  cube-release verify /srv/cube\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 nothing to do, 4 not trusted or keys missing,\n"
    "6 refused (a rule about packages; something expires soon), 7 content damaged, 8 no space,\n"
    "9 unreachable, 10 busy.\n"
    "See docs/publishing.md.";

Result<int> help(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  for (const auto& word : words) {
    const auto found =
        command->get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    if (found.empty())
      return Error{Errc::invalid,
                   name + " has no command " + word + "; `cube-release help` lists all"};
    command = found.front();
    name += " " + word;
  }
  fmt::print("{}", app.get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal));
  return exit_done;
}

}  // namespace cube::publish_cli
