#include "agent/loader_choice.h"

#include <algorithm>

#include "base/mutation.h"
#include "boot/efi/efi_variables.h"
#include "boot/grub/grub_boot_control.h"
#include "boot/systemd_boot/esp.h"
#include "boot/systemd_boot/systemd_boot_control.h"
#include "boot/uboot/uboot_boot_control.h"
#include "boot/uefi/uefi_boot_control.h"

namespace cube {
namespace {

constexpr const char* grub = "grub";
constexpr const char* systemd_boot = "systemd-boot";
constexpr const char* u_boot = "u-boot";
constexpr const char* uefi = "uefi";

class Undecided final : public BootControl {
 public:
  explicit Undecided(std::string why) : why_(std::move(why)) {}
  [[nodiscard]] Result<BootState> state() const override { return error(); }
  Status arm(SlotId, int) override { return error(); }
  Status bless(SlotId) override { return error(); }
  Status reject(SlotId) override { return error(); }

 private:
  [[nodiscard]] Error error() const { return {Errc::cannot_arm, why_}; }
  std::string why_;
};

struct Facts {
  bool grub_records = false;
  bool entries = false;       // of ours, for systemd-boot
  bool systemd_boot = false;  // started this machine, so it says
  FirmwareStart firmware;
};

Facts facts_of(const RootDir& root, const Config& config) {
  Facts facts;
  facts.grub_records = root.exists(config.boot_environment) || root.exists(config.boot_good);
  const auto entries = Esp(root, config.boot_esp).entries();
  facts.entries = entries && !entries->empty();
  const auto loader = EfiVariables(root).read_text("LoaderInfo");
  facts.systemd_boot = loader && *loader && (*loader)->starts_with("systemd-boot");
  facts.firmware = started_by_uefi(root);
  return facts;
}

// The name, or why there is none.
Result<std::string> decide_loader(const Facts& facts) {
  const std::string remedy =
      "; set boot.loader to \"grub\", \"systemd-boot\" or \"uefi\" in /etc/cube-update/config.d";
  const bool guesses = mutated("loader-guessed");
  if (facts.grub_records && facts.entries && !guesses)
    return Error{Errc::cannot_arm,
                 "there are GRUB environment blocks and entries for systemd-boot, and only one of "
                 "them can be what starts this machine" +
                     remedy + ", and remove the others"};
  const bool loader = facts.grub_records || facts.entries || facts.systemd_boot;
  if (facts.firmware.has_entries && loader && !guesses)
    return Error{Errc::cannot_arm,
                 std::string("the firmware has boot options of cube-update's, and there are ") +
                     (facts.grub_records ? "GRUB environment blocks" : "signs of systemd-boot") +
                     ", and only one of them can be what starts this machine" + remedy +
                     ", and remove the others"};
  if (facts.firmware.has_entries && !facts.firmware.ours && !guesses)
    return Error{
        Errc::cannot_arm,
        "the firmware has boot options of cube-update's, but its variable BootCurrent does "
        "not say that this machine was started from one of them" +
            remedy};
  if (facts.firmware.has_entries) return std::string(uefi);
  if (facts.entries && !facts.systemd_boot && !guesses)
    return Error{Errc::cannot_arm,
                 "there are entries for systemd-boot, but the firmware's variable LoaderInfo does "
                 "not say that systemd-boot started this machine" +
                     remedy};
  const bool new_machine = facts.systemd_boot && !facts.grub_records;
  return std::string(facts.entries || new_machine ? systemd_boot : grub);
}

}  // namespace

ChosenLoader choose_loader(const RootDir& root, const Config& config, const KernelSource& kernels) {
  auto name = config.boot_loader == "auto" ? decide_loader(facts_of(root, config))
                                           : Result<std::string>(config.boot_loader);
  if (!name) return {"unknown", std::make_unique<Undecided>(name.error().what)};
  if (*name == systemd_boot)
    return {*name, std::make_unique<SystemdBootControl>(
                       root, kernels, SystemdBootConfig{config.boot_esp, config.boot_arguments})};
  if (*name == uefi)
    return {*name, std::make_unique<UefiBootControl>(
                       root, kernels, UefiConfig{config.boot_esp, config.boot_arguments})};
  if (*name == u_boot) return {*name, std::make_unique<UbootBootControl>(root, UbootPaths{})};
  return {*name, std::make_unique<GrubBootControl>(
                     root, GrubPaths{config.boot_environment, config.boot_good})};
}

}  // namespace cube
