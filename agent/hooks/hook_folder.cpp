#include "agent/hooks/hook_folder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/mutation.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::array<const char*, 2> places{"usr/lib/cube-update/", "etc/cube-update/"};

bool is_left_over(const std::string& name) {
  constexpr std::array<std::string_view, 7> ends{"~",        ".bak",    ".swp", ".rpmsave",
                                                 ".rpmorig", ".rpmnew", ".orig"};
  return name.front() == '.' || name.find(".dpkg-") != std::string::npos ||
         std::any_of(ends.begin(), ends.end(),
                     [&](std::string_view end) { return name.ends_with(end); });
}

// A root that is laid out in a folder may have no devices.
bool is_masked(const RootDir& root, const std::string& path) {
  const auto target = root.read_link(path);
  if (target && *target == "/dev/null") return true;
  const auto st = root.stat(path);
  return st && S_ISREG(st->st_mode) && st->st_size == 0;
}

std::string danger_of(const struct stat& st) {
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "can be written by others than its owner";
  if (::geteuid() == 0 && st.st_uid != 0) return "does not belong to root";
  return "";
}

// Who may write the folder may put another file in its place.
std::string danger_of_folder(const RootDir& root, const std::string& folder) {
  const auto st = root.stat(folder);
  if (!st) return st.error().what;
  const auto danger = danger_of(*st);
  return danger.empty() ? "" : "is in " + root.join(folder) + ", which " + danger;
}

std::string defect_of(const RootDir& root, const Hook& hook, const struct stat& st) {
  if (mutated("hooks-not-checked")) return "";
  if (!is_safe_name(hook.name) || hook.name.size() > max_hook_name)
    return "has a name that is too long, or not only of letters, digits and ._+-";
  if (!S_ISREG(st.st_mode)) return "is no file";
  if ((st.st_mode & S_IXUSR) == 0) return "is not executable";
  if (auto danger = danger_of(st); !danger.empty()) return danger;
  return danger_of_folder(root, hook.path.substr(0, hook.path.find_last_of('/')));
}

}  // namespace

Result<std::vector<Hook>> hooks_in(const RootDir& root, const std::string& occasion) {
  std::map<std::string, std::string> folder_of;
  for (const std::string place : places) {
    const auto names = root.list(place + occasion, max_hooks);
    if (!names && names.error().code == Errc::not_found) continue;
    if (!names) return names.error();
    for (const auto& name : *names)
      if (!is_left_over(name)) folder_of[name] = place + occasion;
  }
  std::vector<Hook> hooks;
  for (const auto& [name, folder] : folder_of) {
    Hook hook{name, folder + "/" + name, ""};
    if (is_masked(root, hook.path)) continue;
    const auto st = root.stat(hook.path);
    hook.defect = st ? defect_of(root, hook, *st) : st.error().what;
    hooks.push_back(std::move(hook));
  }
  if (hooks.size() > max_hooks)
    return Error{Errc::corrupt, occasion + ": more than " + std::to_string(max_hooks) + " hooks"};
  return hooks;
}

}  // namespace cube
