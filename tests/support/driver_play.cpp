#include "tests/support/driver_play.h"

#include <fcntl.h>

#include <algorithm>
#include <filesystem>
#include <stdexcept>

#include "insight/inventory/take_inventory.h"
#include "slots/initramfs/contents.h"
#include "tests/support/machine_tree.h"

namespace cube {

using insight::Entries;
using insight::Findings;
using insight::Grade;
using insight::InitramfsNames;
using insight::Inventory;

namespace {

Inventory taken(const ScratchDir& folder) {
  const auto inventory = insight::take_inventory(
      folder.root(),
      {[](const Fd& image, const std::string& name) -> Result<InitramfsNames> {
         Fd scratch(::open("/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
         CUBE_TRY(auto contents, initramfs_contents(image, scratch, name));
         return InitramfsNames{std::move(contents.modules), std::move(contents.firmware), {}, {}};
       },
       [](const Fd&, const std::string& name) -> Result<std::string> {
         return Error{Errc::invalid, name + ": compressed"};
       },
       [](const RootDir&) -> Result<Entries> { return Entries{}; },
       [](const std::string&) { return false; }});
  if (!inventory) throw std::runtime_error(inventory.error().what);
  return *inventory;
}

std::string word(Grade grade) {
  constexpr const char* words[] = {"good", "unknown", "warning", "refusal"};
  return words[static_cast<std::size_t>(grade)];
}

}  // namespace

DriverPlay::DriverPlay(const std::string& machines, const std::string& name,
                       const std::set<std::string>& early) {
  ScratchDir layout;
  lay_out_machine(machines, name, layout.path());
  machine = insight::this_machine(layout.root()).value();
  running.kernel = machine.kernel;
  running.modules = read_modules(machines + "/modules");
  running.initramfs = with_needs(running.modules, early);
  staged = running;
  staged.kernel = "6.1.0-57-amd64";
}

void DriverPlay::lay_out() {
  running.lay_out(running_folder.path());
  staged.lay_out(staged_folder.path());
  running_inventory = taken(running_folder);
}

Findings DriverPlay::findings() {
  lay_out();
  return look();
}

Findings DriverPlay::findings_of_new_image() {
  staged.lay_out_boot(staged_folder.path());
  return look();
}

Findings DriverPlay::look() {
  staged_inventory = taken(staged_folder);
  const auto staged_root = staged_folder.root(), running_root = running_folder.root();
  return insight::driver_findings(machine, {staged_root, staged_inventory},
                                  {running_root, running_inventory});
}

Grade worst(const Findings& findings) {
  Grade grade = Grade::good;
  for (const auto& one : findings) grade = std::max(grade, one.grade);
  return grade;
}

std::string told(const Findings& findings) {
  std::string text;
  for (const auto& one : findings)
    if (one.grade != Grade::good) text += word(one.grade) + " " + one.id() + "\n";
  return text;
}

std::string said(const Findings& findings, const std::string& id) {
  for (const auto& one : findings)
    if (one.id() == id) return word(one.grade) + ": " + one.what;
  return "";
}

}  // namespace cube
