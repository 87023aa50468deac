// cube-release inventory, diff: what releases and trees hold, and how they differ.
#include <fmt/format.h>

#include <filesystem>

#include "base/durable_file.h"
#include "insight/difference/difference_screen.h"
#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/release_inventory.h"

namespace cube::publish_cli {
namespace {

using insight::Inventory;

Result<Inventory> inventory_in_file(const std::string& file) {
  std::error_code error;
  const auto path = std::filesystem::absolute(file, error);
  if (error) return system_error("inventory " + file, error.value());
  CUBE_TRY(const auto root, RootDir::open("/"));
  CUBE_TRY(const auto text, root.read_file(path.string(), insight::max_inventory_bytes));
  auto inventory = insight::read_inventory(text);
  if (!inventory) return std::move(inventory).error().in(file);
  return inventory;
}

Status write_page(const std::string& file, const std::string& page) {
  std::error_code error;
  const auto path = std::filesystem::absolute(file, error);
  if (error) return system_error("page " + file, error.value());
  CUBE_TRY(const auto root, RootDir::open("/"));
  auto written = replace_file(root, path.string(), page);
  if (!written) return std::move(written).error().in("page " + file);
  return ok();
}

void print_part(const char* name, std::size_t count) {
  if (count != 0) fmt::print("{:<20} {}\n", name, count);
}

}  // namespace

Result<Inventory> inventory_of(const Common& common, const std::string& place) {
  std::error_code error;
  const auto status = std::filesystem::status(place, error);
  if (std::filesystem::is_regular_file(status)) return inventory_in_file(place);
  if (std::filesystem::is_directory(status)) {
    CUBE_TRY(const auto folder, absolute_folder(place));
    const auto scratch = std::filesystem::temp_directory_path(error);
    if (error) return system_error("folder for temporary files", error.value());
    return inventory_of_tree(folder, scratch.string());
  }
  if (place.find('/') != std::string::npos)
    return Error{Errc::not_found, "folder " + place + ": there is none"};
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  return inventory_of_release(publisher, place);
}

Result<int> inventory(const Common& common, const std::string& place) {
  CUBE_TRY(const auto found, inventory_of(common, place));
  if (common.json) {
    fmt::print("{}", inventory_text(found));
    return exit_done;
  }
  fmt::print("kernel               {}\n", found.kernel.empty() ? "none" : found.kernel);
  fmt::print("initramfs            {}\n", found.initramfs.empty() ? "none" : found.initramfs);
  for (const auto& part : insight::entry_parts) print_part(part.name, (found.*part.list).size());
  for (const auto& part : insight::name_parts) print_part(part.name, (found.*part.list).size());
  for (const auto& one : found.unreadable) fmt::print("not known: {}: {}\n", one.part, one.why);
  return exit_done;
}

Result<int> diff(const Common& common, const DiffCommand& command) {
  CUBE_TRY(const auto from, inventory_of(common, command.from));
  CUBE_TRY(const auto to, inventory_of(common, command.to));
  const auto found = insight::difference(from, to);
  const insight::Compared names{insight::readable(command.from), insight::readable(command.to)};
  if (!command.page.empty()) CUBE_CHECK(write_page(command.page, difference_page(found, names)));
  if (common.json)
    fmt::print("{}\n", difference_json(found).line());
  else if (command.page.empty())
    fmt::print("{}", difference_text(found, names));
  return exit_done;
}

}  // namespace cube::publish_cli
