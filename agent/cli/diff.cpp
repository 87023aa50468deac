// cube-update diff: what one release changes against another, and first what this machine uses of
// it.
#include <fmt/format.h>

#include <limits>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/find_inventory.h"
#include "agent/cli/machine_in_use.h"
#include "agent/cli/whole_file.h"
#include "agent/lock.h"
#include "insight/difference/difference_screen.h"

namespace cube::cli {
namespace {

// Of the release that runs, whatever is compared.
Result<insight::MachineUse> use_of(Appliance& appliance) {
  CUBE_TRY(const auto booted, appliance.slots().booted());
  CUBE_TRY(const auto running, appliance.look_into(booted));
  const auto text = running.tree().read_file(insight::inventory_path, insight::max_inventory_bytes);
  const auto inventory =
      text ? insight::read_inventory(*text) : Result<insight::Inventory>(text.error());
  auto use = machine_in_use(appliance.root(), running.tree(),
                            inventory ? *inventory : insight::Inventory{});
  if (!inventory && use.why.empty())
    use.why = "which firmware they need is not known: the running release has no inventory";
  return use;
}

Status write_page(const std::string& file, const std::string& page) {
  if (file == "-") {
    fmt::print("{}", page);
    return ok();
  }
  return write_whole("--html", file, page);
}

}  // namespace

Result<int> diff(const Common& common, const DiffOptions& options) {
  CUBE_TRY(auto appliance, Appliance::open(common.root, absolute_place(options.from)));
  CUBE_TRY(const auto lock, take_lock(appliance->root()));
  // One place alone is what the running release is compared with.
  const bool both = !options.two.empty();
  const std::string one = options.one.empty() ? "other" : options.one;
  CUBE_TRY(const auto from, find_inventory(*appliance, both ? one : "running"));
  CUBE_TRY(const auto to, find_inventory(*appliance, both ? options.two : one));
  const auto found = insight::difference(from.inventory, to.inventory);
  CUBE_TRY(const auto use, use_of(*appliance));
  const auto here = harms_here(use, from.inventory, to.inventory, found);
  const insight::Compared names{from.name, to.name};
  if (!options.html.empty())
    CUBE_CHECK(write_page(options.html, difference_page(found, names, &here)));
  if (common.json) {
    CUBE_TRY(auto object, difference_json(found).object());
    object["event"] = "result";
    object["from"] = from.name;
    object["to"] = to.name;
    object["here"] = here_json(here);
    fmt::print("{}\n", Json(std::move(object)).line());
  } else if (options.html.empty()) {
    const auto rows = options.all ? std::numeric_limits<std::size_t>::max() : insight::shown_rows;
    fmt::print("{}", difference_text(found, names, &here, rows));
  }
  return exit_done;
}

}  // namespace cube::cli
