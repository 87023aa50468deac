#include "agent/drift/running_drift.h"

#include "insight/inventory/tree_lists.h"
#include "slots/seal_file.h"

namespace cube {
namespace {

using insight::Inventory;

constexpr std::size_t max_status_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_release_bytes = 256;

std::string trimmed(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

// dpkg writes "bash:amd64", rpm "bash.x86_64".
bool is_of_dpkg(const std::string& name) {
  return name.find(':') != std::string::npos;
}

class BesideFiles {
 public:
  BesideFiles(const RootDir& root, const RootDir& tree, RunningDrift& found)
      : root_(root), tree_(tree), found_(found) {}

  void run() {
    const auto kernel = root_.read_file("proc/sys/kernel/osrelease", max_release_bytes);
    if (kernel) found_.kernel_here = insight::readable(trimmed(*kernel));
    auto text = tree_.read_file(insight::inventory_path, insight::max_inventory_bytes);
    auto inventory = text ? insight::read_inventory(*text) : Result<Inventory>(text.error());
    if (!inventory) {
      const bool none = inventory.error().code == Errc::not_found;
      not_checked("packages and kernel: " +
                  (none ? "the release has no inventory" : inventory.error().what));
      return;
    }
    found_.kernel = inventory->kernel;
    look_at_kernel();
    look_at_packages(*inventory);
  }

 private:
  void not_checked(std::string sentence) { found_.not_checked.push_back(std::move(sentence)); }

  void look_at_kernel() {
    if (found_.kernel_here.empty())
      not_checked("kernel: which one runs cannot be read");
    else if (found_.kernel.empty())
      not_checked("kernel: the release's inventory names none");
  }

  void look_at_packages(const Inventory& inventory) {
    if (!inventory.knows("packages"))
      not_checked("packages: the release's inventory does not know all of them");
    bool dpkg = false, rpm = false;
    for (const auto& [name, version] : inventory.packages) (is_of_dpkg(name) ? dpkg : rpm) = true;
    const auto status = tree_.read_file("var/lib/dpkg/status", max_status_bytes);
    if (status)
      compare(inventory.packages, insight::dpkg_packages(*status), inventory.knows("packages"));
    else if (dpkg || status.error().code != Errc::not_found)
      not_checked("packages of dpkg: " + status.error().what);
    // Its databases are not read here, only compared as files.
    if (rpm && !found_.files.package_databases.empty())
      not_checked("packages of rpm: which of them differ; `rpm -qa` lists what is here");
  }

  void tell(const std::string& name, const std::string& from, const std::string& to) {
    ++found_.packages_count;
    if (found_.packages.size() < max_drift_packages) found_.packages.push_back({name, from, to});
  }

  void compare(const insight::Entries& release, const insight::Entries& raw, bool all_known) {
    insight::Entries here;
    for (const auto& [name, version] : raw)
      here.emplace(insight::readable(name), insight::readable(version));
    for (const auto& [name, version] : release) {
      if (!is_of_dpkg(name)) continue;
      const auto found = here.find(name);
      if (found == here.end() || found->second != version)
        tell(name, version, found == here.end() ? "" : found->second);
    }
    for (const auto& [name, version] : here)
      if (all_known && release.count(name) == 0) tell(name, "", version);
  }

  const RootDir& root_;
  const RootDir& tree_;
  RunningDrift& found_;
};

}  // namespace

bool RunningDrift::other_kernel() const {
  return !kernel.empty() && !kernel_here.empty() && kernel != kernel_here;
}

bool RunningDrift::any() const {
  return files.count() != 0 || !files.package_databases.empty() || packages_count != 0 ||
         other_kernel();
}

Result<RunningDrift> running_drift(const RootDir& root, const OstreeSlotStore& slots, bool full,
                                   const ProgressSink& progress) {
  CUBE_TRY(const auto booted, slots.booted());
  CUBE_TRY(const auto running, slots.look_into(booted));
  RunningDrift found;
  found.full = full;
  CUBE_TRY(found.files, slots.drift(full, progress));
  found.not_checked = found.files.not_checked;
  CUBE_TRY(const auto seal, read_seal(running.tree()));
  if (seal) found.release = insight::readable(seal->release);
  BesideFiles(root, running.tree(), found).run();
  return found;
}

}  // namespace cube
