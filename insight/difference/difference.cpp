#include "insight/difference/difference.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/mutation.h"

namespace cube::insight {
namespace {

struct Words {
  std::string_view word, sentence;
};

constexpr std::array<Words, 19> words{{
    {"not-known", "could not be read, so nothing is known of it"},
    {"initramfs-gone", "the initramfs is gone"},
    {"initramfs-driver-gone", "drivers gone from the initramfs"},
    {"initramfs-firmware-gone", "firmware gone from the initramfs"},
    {"initramfs-tool-gone", "programs gone from the initramfs that find, check or mount a root"},
    {"microcode-gone", "early microcode gone from the initramfs"},
    {"module-gone", "kernel modules gone"},
    {"module-fewer-devices", "modules that know fewer devices"},
    {"module-version-down", "modules of an older version"},
    {"firmware-gone", "firmware gone"},
    {"firmware-changed", "firmware with other content"},
    {"option-off", "kernel options turned off"},
    {"module-not-built-in", "drivers that were built in and now must be loaded"},
    {"unit-gone", "systemd units gone"},
    {"unit-not-enabled", "units that are no longer started"},
    {"arguments-changed", "kernel arguments changed"},
    {"mkfs-changed", "new filesystems are made with other features"},
    {"setuid-new", "new setuid or setgid files"},
    {"setuid-changed", "setuid or setgid files with another mode"},
}};

std::string value(const Entries& entries, const std::string& name) {
  const auto found = entries.find(name);
  return found == entries.end() ? "" : found->second;
}

// The number that "43 0123456789abcdef" begins with; of at most 9 digits.
std::uint64_t count_of(const std::string& text) {
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < text.size() && i < 9 && text[i] >= '0' && text[i] <= '9'; ++i)
    count = count * 10 + static_cast<std::uint64_t>(text[i] - '0');
  return count;
}

// These come from one file each. When only the older one has it, the newer one's is missing; nobody
// turned thousands of options off.
Inventory without_missing_lists(const Inventory& from, Inventory to) {
  const auto check = [&](const char* part, bool before, bool after) {
    if (before && !after && to.knows(part))
      to.unreadable.push_back({part, "there is no list of them"});
  };
  check("aliases", !from.aliases.empty(), !to.aliases.empty());
  check("built_in", !from.built_in.empty(), !to.built_in.empty());
  check("options", !from.options.empty(), !to.options.empty());
  check("packages", !from.packages.empty(), !to.packages.empty());
  return to;
}

class Comparison {
 public:
  Comparison(const Inventory& from, const Inventory& to)
      : from_(from), to_(without_missing_lists(from, to)) {}

  Difference run() {
    found_.kernel_from = from_.kernel;
    found_.kernel_to = to_.kernel;
    compare_known();
    compare_initramfs();
    compare_modules();
    compare_firmware();
    compare_options();
    compare_units();
    compare_arguments();
    compare_mkfs();
    compare_setuid();
    compare_packages();
    compare_folders();
    return std::move(found_);
  }

 private:
  void tell(Harm harm, Change change) { found_.harms[harm].push_back(std::move(change)); }

  // Calls `gone` for each that only the first has, if the second is known in full.
  template <typename Gone>
  void each_gone(const char* part, const Names& before, const Names& after, const Gone& gone) {
    if (!to_.knows(part)) return;
    for (const auto& name : before)
      if (after.count(name) == 0) gone(name);
  }
  template <typename Gone>
  void each_gone(const char* part, const Entries& before, const Entries& after, const Gone& gone) {
    if (!to_.knows(part)) return;
    for (const auto& [name, text] : before)
      if (after.count(name) == 0) gone(name, text);
  }

  void compare_known() {
    std::map<std::string, Change> parts;
    for (const auto* side : {&from_, &to_})
      for (const auto& one : side->unreadable) {
        auto& change = parts[one.part];
        change.name = one.part;
        auto& why = side == &from_ ? change.from : change.to;
        if (why.empty()) why = one.why;
      }
    for (auto& [part, change] : parts) tell(Harm::not_known, std::move(change));
    // In one row: nobody can do anything about it but compose anew.
    std::string parts_absent;
    auto absent = from_.absent;
    absent.insert(to_.absent.begin(), to_.absent.end());
    for (const auto& part : absent) parts_absent += (parts_absent.empty() ? "" : ", ") + part;
    constexpr const char* why = "of an older cube-release, which did not look at it";
    if (!absent.empty())
      tell(Harm::not_known,
           {parts_absent, from_.absent.empty() ? "" : why, to_.absent.empty() ? "" : why});
  }

  [[nodiscard]] bool has_module(const Inventory& side, const std::string& name) const {
    return side.modules.count(name) != 0 || side.built_in.count(name) != 0;
  }

  void compare_initramfs() {
    if (!from_.initramfs.empty() && to_.initramfs.empty())
      return tell(Harm::initramfs_gone, {from_.initramfs, "", ""});
    if (mutated("diff-without-initramfs")) return;
    each_gone("initramfs_modules", from_.initramfs_modules, to_.initramfs_modules,
              [&](const auto& name) {
                if (to_.built_in.count(name) == 0)
                  tell(Harm::initramfs_driver_gone,
                       {name, "", to_.modules.count(name) != 0 ? "in the tree" : "nowhere"});
              });
    each_gone("initramfs_firmware", from_.initramfs_firmware, to_.initramfs_firmware,
              [&](const auto& name) {
                tell(Harm::initramfs_firmware_gone, {name, "", ""});
              });
    each_gone("initramfs_tools", from_.initramfs_tools, to_.initramfs_tools, [&](const auto& name) {
      tell(Harm::initramfs_tool_gone, {name, "", ""});
    });
    each_gone("microcode", from_.microcode, to_.microcode,
              [&](const auto& vendor, const auto& before) {
                tell(Harm::microcode_gone, {vendor, before, ""});
              });
  }

  void compare_modules() {
    const auto told = found_.harms.find(Harm::initramfs_driver_gone);
    const auto gone = [&](const std::string& name) {
      const bool already = told != found_.harms.end() &&
                           std::any_of(told->second.begin(), told->second.end(),
                                       [&](const auto& one) { return one.name == name; });
      if (!already && !has_module(to_, name)) tell(Harm::module_gone, {name, "", ""});
    };
    if (to_.knows("built_in"))
      each_gone("modules", from_.modules, to_.modules,
                [&](const auto& name, const auto&) { gone(name); });
    each_gone("built_in", from_.built_in, to_.built_in, [&](const auto& name) {
      if (to_.modules.count(name) == 0 && to_.knows("modules")) gone(name);
      if (to_.modules.count(name) != 0 && to_.initramfs_modules.count(name) == 0)
        tell(Harm::module_not_built_in,
             {name, "",
              to_.knows("initramfs_modules") ? "not in the initramfs"
                                             : "what is in the initramfs is not known"});
    });
    for (const auto& [name, text] : from_.aliases) {
      const auto before = count_of(text);
      const auto after = count_of(value(to_.aliases, name));
      if (to_.modules.count(name) != 0 && to_.knows("aliases") && after < before)
        tell(Harm::module_fewer_devices, {name, std::to_string(before), std::to_string(after)});
    }
    for (const auto& [name, before] : from_.module_versions) {
      const auto after = value(to_.module_versions, name);
      if (!after.empty() && ::strverscmp(after.c_str(), before.c_str()) < 0 &&
          !mutated("diff-without-versions"))
        tell(Harm::module_version_down, {name, before, after});
    }
    for (const auto& [name, file] : to_.modules)
      if (!has_module(from_, name)) found_.added.push_back({name, "", "module"});
  }

  void compare_firmware() {
    each_gone("firmware", from_.firmware, to_.firmware, [&](const auto& name, const auto&) {
      tell(Harm::firmware_gone, {name, "", ""});
    });
    for (const auto& [name, before] : from_.firmware) {
      const auto after = value(to_.firmware, name);
      if (!after.empty() && after != before)
        found_.firmware_changed.push_back({name, before, after});
    }
  }

  // An option that holds a text or number is on; its change is not a loss.
  void compare_options() {
    if (!to_.knows("options")) return;
    for (const auto& [name, before] : from_.options) {
      const auto after = value(to_.options, name);
      if (before != "n" && (after.empty() || after == "n"))
        tell(Harm::option_off, {name, before, "n"});
    }
  }

  void compare_units() {
    each_gone("units", from_.units, to_.units, [&](const auto& name) {
      tell(Harm::unit_gone, {name, "", ""});
    });
    each_gone("enabled", from_.enabled, to_.enabled, [&](const auto& name) {
      if (to_.units.count(name) != 0) tell(Harm::unit_not_enabled, {name, "", ""});
    });
    for (const auto& name : to_.units)
      if (from_.units.count(name) == 0 && from_.knows("units"))
        found_.added.push_back({name, "", "unit"});
  }

  void compare_arguments() {
    auto files = from_.arguments;
    files.insert(to_.arguments.begin(), to_.arguments.end());
    for (const auto& [file, text] : files) {
      const auto before = value(from_.arguments, file);
      const auto after = value(to_.arguments, file);
      if (before != after && to_.knows("arguments"))
        tell(Harm::arguments_changed, {file, before, after});
    }
  }

  void compare_mkfs() {
    for (const auto& [name, after] : to_.mkfs_features) {
      const auto before = value(from_.mkfs_features, name);
      if (!before.empty() && before != after) tell(Harm::mkfs_changed, {name, before, after});
    }
  }

  void compare_setuid() {
    for (const auto& [path, mode] : to_.setuid) {
      const auto before = value(from_.setuid, path);
      if (before.empty())
        tell(Harm::setuid_new, {path, "", mode});
      else if (before != mode)
        tell(Harm::setuid_changed, {path, before, mode});
    }
  }

  void compare_packages() {
    each_gone("packages", from_.packages, to_.packages, [&](const auto& name, const auto& version) {
      found_.packages_removed.push_back({name, version, ""});
    });
    for (const auto& [name, version] : to_.packages) {
      const auto before = value(from_.packages, name);
      if (before.empty() && from_.knows("packages"))
        found_.packages_added.push_back({name, "", version});
      if (!before.empty() && before != version)
        found_.packages_changed.push_back({name, before, version});
    }
  }

  void compare_folders() {
    std::map<std::string, Difference::Size> sizes;
    for (const auto& [folder, bytes] : from_.folders) sizes[folder] = {folder, bytes, 0};
    for (const auto& [folder, bytes] : to_.folders) {
      sizes[folder].folder = folder;
      sizes[folder].to = bytes;
    }
    for (const auto& [folder, size] : sizes)
      if (size.from != size.to) found_.folders.push_back(size);
    const auto change = [](const Difference::Size& size) {
      return std::max(size.from, size.to) - std::min(size.from, size.to);
    };
    std::stable_sort(found_.folders.begin(), found_.folders.end(),
                     [&](const auto& a, const auto& b) { return change(a) > change(b); });
  }

  const Inventory& from_;
  const Inventory to_;
  Difference found_;
};

Json changes_json(const std::vector<Change>& changes) {
  Json::Array rows;
  for (const auto& change : changes)
    rows.push_back(Json::Object{{"name", change.name}, {"from", change.from}, {"to", change.to}});
  return rows;
}

}  // namespace

std::string_view word_for(Harm harm) {
  return words.at(static_cast<std::size_t>(harm)).word;
}
std::string_view sentence_for(Harm harm) {
  return words.at(static_cast<std::size_t>(harm)).sentence;
}

bool Difference::empty() const {
  return kernel_from == kernel_to && harms.empty() && packages_removed.empty() &&
         packages_added.empty() && packages_changed.empty();
}

Difference difference(const Inventory& from, const Inventory& to) {
  return Comparison(from, to).run();
}

Json harms_json(const std::map<Harm, std::vector<Change>>& harms) {
  Json::Array rows;
  for (const auto& [harm, changes] : harms)
    for (const auto& change : changes)
      rows.push_back(Json::Object{{"harm", std::string(word_for(harm))},
                                  {"name", change.name},
                                  {"from", change.from},
                                  {"to", change.to}});
  return rows;
}

Json difference_json(const Difference& found) {
  Json::Array folders;
  for (const auto& size : found.folders)
    folders.push_back(Json::Object{{"folder", size.folder}, {"from", size.from}, {"to", size.to}});
  return Json::Object{
      {"kernel", Json::Object{{"from", found.kernel_from}, {"to", found.kernel_to}}},
      {"harms", harms_json(found.harms)},
      {"packages", Json::Object{{"removed", changes_json(found.packages_removed)},
                                {"added", changes_json(found.packages_added)},
                                {"changed", changes_json(found.packages_changed)}}},
      {"firmware_changed", changes_json(found.firmware_changed)},
      {"added", changes_json(found.added)},
      {"folders", std::move(folders)}};
}

}  // namespace cube::insight
