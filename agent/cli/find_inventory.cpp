#include "agent/cli/find_inventory.h"

#include <filesystem>

#include "agent/cli/commands.h"
#include "model/release.h"
#include "slots/ostree/offered_file.h"

namespace cube::cli {
namespace {

namespace fs = std::filesystem;

using insight::inventory_path;
using insight::max_inventory_bytes;

constexpr const char* make_one =
    "; make one of its tree with `cube-release inventory FOLDER --json >FILE` and name the file";

Result<NamedInventory> named(std::string name, Result<std::string> text) {
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found,
                 name + " has no inventory, as those that an older cube-release made" + make_one};
  if (!text) return std::move(text).error().in(name);
  auto inventory = insight::read_inventory(*text);
  if (!inventory) return std::move(inventory).error().in(name);
  return NamedInventory{std::move(name), std::move(*inventory)};
}

Result<NamedInventory> of_slot(Appliance& appliance, SlotId slot) {
  const std::string place = "slot " + std::string(to_string(slot));
  CUBE_TRY(const auto seal, appliance.slots().seal_of(slot));
  if (!seal)
    return Error{Errc::not_found,
                 place + " has no seal, so nobody knows what is in it; `cube-update apply "
                         "--no-reboot` puts a release there, or name a release that is offered"};
  CUBE_TRY(const auto mounted, appliance.look_into(slot));
  return named(insight::readable(seal->release) + " in " + place,
               mounted.tree().read_file(inventory_path, max_inventory_bytes));
}

Result<NamedInventory> of_offered(Appliance& appliance, const std::string& release) {
  appliance.source().only_look();
  CUBE_TRY(auto* channel, appliance.source().channel());
  auto offered = channel->release(release);
  if (!offered && offered.error().code == Errc::not_found)
    return Error{Errc::not_found, "release " + release + " is in neither slot, and " +
                                      appliance.source().url() + " does not offer it"};
  CUBE_TRY(const auto found, std::move(offered));
  auto text = offered_file(appliance.root(), found.get().commit,
                           appliance.source().single_objects(*channel), inventory_path,
                           max_inventory_bytes, [](const Progress&) {});
  const bool is_there = text || text.error().code == Errc::not_found;
  if (!is_there && text.error().code != Errc::untrusted)
    text.error().what += "; `cube-update apply " + release +
                         " --no-reboot` brings all of it into the other slot, where it can be "
                         "compared before the restart";
  return named("offered " + release, std::move(text));
}

Result<NamedInventory> of_path(const std::string& word) {
  const auto shown = insight::readable(word);
  const fs::path path = absolute_place(word);
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    CUBE_TRY(const auto folder, RootDir::open(path));
    return named("tree " + shown, folder.read_file(inventory_path, max_inventory_bytes));
  }
  const auto folder = RootDir::open(path.parent_path());
  auto text = folder ? folder->read_file(path.filename(), max_inventory_bytes)
                     : Result<std::string>(folder.error());
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, shown + " is no slot (a, b, running, other), no release, no file "
                                          "and no folder"};
  return named(shown, std::move(text));
}

}  // namespace

Result<NamedInventory> find_inventory(Appliance& appliance, const std::string& word) {
  if (word == "a") return of_slot(appliance, SlotId::a);
  if (word == "b") return of_slot(appliance, SlotId::b);
  const bool is_running = word == "running";
  if (is_running || word == "other") {
    CUBE_TRY(const auto booted, appliance.slots().booted());
    return of_slot(appliance, is_running ? booted : other(booted));
  }
  if (!ReleaseName::parse(word)) return of_path(word);
  for (const SlotId slot : {SlotId::a, SlotId::b}) {
    CUBE_TRY(const auto seal, appliance.slots().seal_of(slot));
    if (seal && seal->release == word) return of_slot(appliance, slot);
  }
  return of_offered(appliance, word);
}

}  // namespace cube::cli
