// The command that writes the facts for Prometheus.
#include "agent/cli/metrics.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <filesystem>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/last_look.h"
#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube::cli {
namespace {

// Never a half: the collector may read at any time. Its name for the new file, ".NAME.new", is none
// that the collector reads.
Status write_whole(const std::string& file, const std::string& text) {
  const std::filesystem::path path = absolute_place(file);
  const auto folder = RootDir::open(path.parent_path());
  if (!folder)
    return Error{Errc::invalid, "--file " + file + ": " + folder.error().what +
                                    "; make the folder, or name another file"};
  if (mutated("metrics-in-place")) {
    CUBE_TRY(const auto out,
             folder->open_file(path.filename(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return write_all(out, text);
  }
  return replace_file(*folder, path.filename(), text);
}

Result<MetricFacts> gather(Appliance& appliance) {
  MetricFacts facts;
  facts.version = CUBE_VERSION;
  facts.loader = appliance.loader();
  CUBE_TRY(facts.journal, appliance.journal().load());
  CUBE_TRY(facts.booted, appliance.machine().slots.booted());
  CUBE_TRY(facts.release, appliance.running_release());
  if (auto boot = appliance.machine().boot.state()) facts.boot = *boot;
  CUBE_TRY(facts.floor, appliance.floor(facts.journal));
  facts.last_look = last_look_of(appliance.root());
  return facts;
}

}  // namespace

Result<int> metrics(const Common& common, const std::string& file) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, ""));
  CUBE_TRY(const auto facts, gather(*appliance));
  const std::string text = metrics_text(facts);
  if (file.empty())
    fmt::print("{}", text);
  else
    CUBE_CHECK(write_whole(file, text));
  return exit_done;
}

}  // namespace cube::cli
