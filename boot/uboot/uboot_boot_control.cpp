#include "boot/uboot/uboot_boot_control.h"

#include <algorithm>
#include <sstream>

#include "base/mutation.h"
#include "boot/cmdline.h"

namespace cube {
namespace {

using Variables = UbootEnvironment::Variables;
constexpr std::size_t max_defaults_bytes = 64 * 1024;
constexpr std::string_view remedy =
    "; the running slot can be made the fallback anew with `cube-update commit`";

Error damaged(const std::string& what) {
  return Error{Errc::cannot_arm, "U-Boot environment: " + what + std::string(remedy)};
}

Result<std::string> get(const Variables& variables, const std::string& name) {
  const auto found = variables.find(name);
  if (found == variables.end()) return damaged("lacks the variable " + name);
  return found->second;
}

Result<int> digit_in(const Variables& variables, const std::string& name) {
  CUBE_TRY(const auto text, get(variables, name));
  if (text.size() != 1 || text[0] < '0' || text[0] > '9')
    return damaged("has " + name + "=" + text);
  return text[0] - '0';
}

// U-Boot counts every start while a trial is under way, so it may be any number.
bool counted(const Variables& variables) {
  const auto found = variables.find("bootcount");
  return found != variables.end() && found->second != "0";
}

Result<BootState> state_in(const Variables& variables) {
  BootState state;
  CUBE_TRY(const auto fallback, get(variables, "cube_fallback"));
  CUBE_TRY(const auto trial, get(variables, "cube_trial"));
  CUBE_TRY(const int left, digit_in(variables, "cube_left"));
  CUBE_TRY(const int done, digit_in(variables, "cube_done"));
  CUBE_TRY(const auto available, get(variables, "upgrade_available"));
  CUBE_TRY(const auto limit, get(variables, "bootlimit"));
  const auto fallback_slot = parse_slot(fallback), trial_slot = parse_slot(trial);
  if (!fallback_slot) return damaged("has cube_fallback=" + fallback);
  if (!trial_slot && trial != "none") return damaged("has cube_trial=" + trial);
  if (limit != "1") return damaged("has bootlimit=" + limit);
  if (available != "0" && available != "1") return damaged("has upgrade_available=" + available);
  state.fallback = *fallback_slot;
  if (!trial_slot) {
    if (available == "1") return damaged("offers a trial and names no slot");
    return state;
  }
  if (*trial_slot == *fallback_slot) return damaged("has the fallback itself on trial");
  if (available != "1" || left == 0) return damaged("has a trial that U-Boot does not count");
  const bool spent = counted(variables);
  state.trial = Trial{*trial_slot, spent ? left - 1 : left, spent ? std::min(9, done + 1) : done};
  state.offered = !spent;
  return state;
}

Variables without_trial(SlotId fallback) {
  return {{"cube_fallback", std::string(to_string(fallback))},
          {"cube_trial", "none"},
          {"cube_left", "0"},
          {"cube_done", "0"},
          {"bootcount", "0"},
          {"bootlimit", "1"},
          {"upgrade_available", "0"}};
}

}  // namespace

// A kernel that another loader started proves nothing about these variables.
Status UbootBootControl::started_by_us() const {
  CUBE_TRY(const auto cmdline, read_cmdline(root_));
  if (cmdline.slot) return ok();
  return Error{Errc::cannot_arm,
               "this kernel was not started by cube-update's commands for U-Boot (no cube.slot= "
               "among its arguments); install packaging/u-boot first"};
}

Result<BootState> UbootBootControl::state() const {
  CUBE_TRY(const auto variables, environment_.load());
  return state_in(variables);
}

Status UbootBootControl::arm(SlotId slot, int tries) {
  CUBE_TRY(const auto state, this->state());
  if (slot == state.fallback) return Error{Errc::bug, "arm: the slot is the fallback"};
  if (tries < 1 || tries > 9) return Error{Errc::bug, "arm: tries are 1 to 9"};
  CUBE_CHECK(started_by_us());
  const bool again = state.trial && state.trial->slot == slot;
  auto variables = without_trial(state.fallback);
  variables["cube_trial"] = to_string(slot);
  variables["cube_left"] = std::to_string(tries);
  variables["cube_done"] = std::to_string(again ? state.trial->tries_done : 0);
  variables["upgrade_available"] = "1";
  return environment_.store(variables);
}

Status UbootBootControl::reject(SlotId slot) {
  CUBE_TRY(const auto state, this->state());
  if (slot == state.fallback) return Error{Errc::bug, "reject: the slot is the fallback"};
  return environment_.store(without_trial(state.fallback));
}

Status UbootBootControl::bless(SlotId slot) {
  CUBE_CHECK(started_by_us());
  const auto variables = environment_.load();
  if (variables && !mutated("uboot-always-anew")) return environment_.store(without_trial(slot));
  CUBE_TRY(auto all, defaults());
  for (auto& [name, value] : without_trial(slot)) all[name] = value;
  return environment_.store_anew(all);
}

Result<Variables> UbootBootControl::defaults() const {
  const auto text = root_.read_file(paths_.defaults, max_defaults_bytes);
  if (!text)
    return Error{
        Errc::cannot_arm,
        "U-Boot environment: both copies are damaged, and what was in them is not known: " +
            text.error().what};
  Variables all;
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (line.starts_with("#") || equals == std::string::npos || equals == 0) continue;
    all[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return all;
}

}  // namespace cube
