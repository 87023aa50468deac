#include <algorithm>

#include "boot/watchdog/ipmi_messages.h"
#include "boot/watchdog/survival.h"

namespace cube {
namespace {

constexpr std::size_t max_script = 1024 * 1024;

std::string trouble_of(IpmiChannel& bmc) {
  const auto reply = bmc.ask(ipmi::get_watchdog());
  if (!reply) return reply.error().what;
  const auto timer = ipmi::parse_watchdog(*reply);
  return timer ? "" : timer.error().what;
}

bool says(const RootDir& root, const std::string& path, char wanted) {
  const auto text = root.read_file(path, 4096);
  return text && !text->empty() && (*text)[0] == wanted;
}

std::string first_line(const RootDir& root, const std::string& path) {
  const auto text = root.read_file(path, 4096);
  return text ? text->substr(0, text->find('\n')) : "";
}

// The words after cube.trial=1, up to the end of their line or of the quotes around them.
std::string trial_arguments_in(const std::string& text) {
  const auto begin = text.find("cube.trial=1 ");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_first_of("\"'\n", begin) - begin);
}

std::string trial_arguments(const RootDir& root, const std::string& loader,
                            const std::string& script_folder) {
  std::vector<std::string> scripts;
  if (loader == "grub")
    scripts = {script_folder + "/cube.cfg", script_folder + "/grub.cfg", "boot/grub/grub.cfg",
               "boot/grub2/grub.cfg"};
  if (loader == "u-boot") scripts = {"usr/share/cube-update/u-boot.env"};
  for (const auto& script : scripts)
    if (const auto text = root.read_file(script, max_script))
      if (auto found = trial_arguments_in(*text); !found.empty()) return found;
  return "";
}

bool any_of(const RootDir& root, const std::vector<std::string>& paths) {
  return std::any_of(paths.begin(), paths.end(),
                     [&](const std::string& path) { return root.exists(path); });
}

bool enabled(const RootDir& root, const std::string& unit, const std::string& by) {
  const std::string link = "/systemd/system/" + by + ".wants/" + unit;
  // The link's target may be where only the real root has it.
  return root.read_link("etc" + link) || root.read_link("usr/lib" + link);
}

}  // namespace

SurvivalFacts survival_facts(const RootDir& root, IpmiChannel& bmc, const std::string& loader,
                             const std::string& script_folder) {
  SurvivalFacts facts;
  facts.bmc_trouble = trouble_of(bmc);
  facts.bmc_without_driver =
      !root.exists("dev/ipmi0") &&
      any_of(root, {"sys/firmware/dmi/entries/38-0", "sys/bus/acpi/devices/IPI0001:00",
                    "sys/devices/platform/ipmi_bmc.0"});
  if (auto devices = watchdog_devices(root)) facts.devices = std::move(*devices);
  facts.own_arguments = loader != "grub" && loader != "u-boot" && loader != "unknown";
  facts.trial_arguments = trial_arguments(root, loader, script_folder);
  facts.soft_lockups = says(root, "proc/sys/kernel/soft_watchdog", '1');
  facts.hard_lockups = says(root, "proc/sys/kernel/nmi_watchdog", '1');
  facts.hung_tasks = root.exists("proc/sys/kernel/hung_task_panic");
  const auto backend = first_line(root, "sys/module/pstore/parameters/backend");
  if (backend == "erst" || backend == "ramoops") facts.records_kept_by = backend;
  if (backend == "efi" || backend == "efi_pstore") facts.records_kept_by = "efi_pstore";
  if (root.exists("sys/firmware/acpi/tables/ERST")) facts.records_possible.push_back("erst");
  if (root.exists("sys/firmware/efi")) facts.records_possible.push_back("efi_pstore");
  if (root.exists("sys/module/ramoops")) facts.records_possible.push_back("ramoops");
  facts.initramfs_hook = root.exists("usr/lib/cube-update/emergency.sh") &&
                         any_of(root, {"usr/share/initramfs-tools/hooks/cube-update",
                                       "usr/lib/dracut/modules.d/90cube-update/module-setup.sh"});
  facts.initramfs_arms = facts.initramfs_hook && root.exists("usr/lib/cube-update/watchdog.sh");
  facts.units_enabled = enabled(root, "cube-update-resume.service", "sysinit.target") &&
                        enabled(root, "cube-update-commit.service", "multi-user.target");
  return facts;
}

}  // namespace cube
