// Configuration: TOML fragments, read once. usr/lib/cube-update/config.d, then
// etc/cube-update/config.d, then run/cube-update/config.d; in each folder *.toml in order of name;
// later wins per key. A file in a later folder with the name of an earlier one replaces it (an
// empty file masks it). An unknown key, a wrong type or a value out of range is an error with file
// and line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/priority.h"
#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct Config {
  std::string product;             // only releases of this product; "" = that of the running one
  std::string source_url;          // where releases come from: http(s)://, file:// or a folder
  bool source_allow_http = false;  // plain HTTP: content stays signed, privacy is lost
  std::string source_ca_file;      // certificates to trust for https; "" = the system's
  std::string source_client_certificate;  // PEM file that https servers may ask for
  std::string source_client_key;          // PEM file; "" = in the certificate's
  std::vector<std::string> source_mirrors;  // URLs of folders with the same files; at most 8
  bool source_mirrors_allow_http = false;   // plain HTTP to them: content is checked, privacy is lost
  std::string source_proxy;  // http://HOST:PORT; "" = none, the environment is not asked
  // Where `fetch` keeps what it downloads, and what a download may take there: 0..1048576 MiB, 0 =
  // as much as the disk has to spare.
  std::string source_staging = "var/lib/cube-update/staging";
  std::int64_t source_staging_max = 4096;
  std::int64_t source_max_rate = 0;              // 16..16777216 KiB/s, 0 = no limit
  std::string share_folder;            // what others may download from here; "" = nothing
  std::int64_t share_max_size = 8192;  // 64..1048576 MiB: all of it
  int share_keep_releases = 2;         // 1..16
  Priority update_cpu_priority = Priority::low;  // of fetch and apply
  Priority update_io_priority = Priority::low;
  int trial_tries = 3;                           // 1..9: how often a trial may be started
  std::int64_t trial_deadline = 900;             // 10..86400 s: from boot to commit
  std::string schedule_automatic = "off";        // off, check, fetch or apply
  std::int64_t schedule_check_interval = 21600;  // 600..2592000 s
  std::vector<std::string> schedule_windows;     // model/maintenance_window.h; none: any time
  std::vector<std::string> schedule_exceptions;  // days on which no window opens
  std::string schedule_time_zone;                // "" = the system's
  std::int64_t schedule_spread = 900;            // 0..86400 s
  std::int64_t schedule_download_spread = 0;     // 0..604800 s: before a download by itself
  std::int64_t schedule_warn_minutes = 1;        // 0..60: between warning and restart
  bool fleet_plan = false;    // updates by themselves only as the signed rollout plan says
  std::string fleet_unit;     // what its ramp counts; "" = the cluster, or else the machine's id
  std::vector<std::string> fleet_labels;  // "canary=true": what makes this unit one of its canaries
  std::string fleet_cluster;  // a name: the cluster whose gate is asked before a restart; "" = none
  std::vector<std::string> fleet_endpoints;  // URLs of its etcd
  bool fleet_allow_http = false;             // plain HTTP to it
  std::string fleet_ca_file;                 // certificates to trust for https; "" = the system's
  std::string fleet_client_certificate;      // PEM file without a common name
  std::string fleet_client_key;              // PEM file; "" = in the certificate's
  std::string fleet_user;                    // of etcd; "" = none
  std::string fleet_password_file;           // its password, the first line
  std::string fleet_lock_url;                // of a FleetLock server, instead of a cluster; "" = none
  std::string fleet_lock_group;              // whose places are asked for
  std::string fleet_node;                    // this machine's name in the cluster; "" = its host name
  std::string fleet_domain;                  // its failure domain; "" = not known
  std::int64_t fleet_order = 5;  // machines of a lower one go first; 0: a canary
  std::vector<std::string> fleet_roles;      // quorums that it is a member of
  std::string slot_a = "LABEL=cube-a";           // LABEL=..., a device, or a folder ("dir:slots/a")
  std::string slot_b = "LABEL=cube-b";
  std::vector<std::string> carry_over = {"etc/machine-id", "etc/hostname", "etc/fstab", "etc/ssh",
                                         "etc/cube-update"};  // from the running slot to a new one
  bool merge_etc = true;                // what this machine changed in /etc goes along
  std::string etc_conflicts = "local";  // local or release: who wins where both changed it
  std::string foresight_policy = "require";  // require, or warn: what refuses is only told
  std::string foresight_virtual = "off";     // off, warn or require: a boot in a virtual machine
  std::int64_t foresight_virtual_memory = 1024;         // 256..65536 MiB
  std::int64_t foresight_virtual_time = 180;            // 10..3600 s on this machine's processor
  std::int64_t foresight_virtual_emulated_time = 900;   // 10..14400 s on an emulated one
  std::string boot_loader = "auto";     // auto, grub, systemd-boot, uefi or u-boot
  std::string boot_esp = "boot/efi";  // systemd-boot, uefi: mount point of the EFI system partition
  std::string boot_arguments;         // systemd-boot, uefi: further arguments for the kernel
  std::string boot_environment =
      "boot/efi/cube/env";                       // GRUB environment block, docs/boot-environment.md
  std::string boot_good = "boot/efi/cube/good";  // second copy of the fallback
  std::string watchdog_policy = "if-present";    // "off", "if-present" or "required"
  std::int64_t watchdog_boot_seconds =
      0;                             // 30..6553 s from the restart to its userspace; 0: learned
  std::int64_t health_timeout = 60;  // 1..3600 s: per check
  std::vector<std::string> health_ignore_units;  // systemd units that may fail
  std::vector<std::string> health_required_units;  // that must be active
  std::vector<std::string> health_wanted_units;    // that are asked for and told
  bool health_boot_complete = true;                // boot-complete.target must be reached
  std::string health_drift = "told";  // "off", "told" or "required": of an update that begins
  int health_retries = 5;                        // 0..1000: how often what fails is asked again
  std::int64_t health_retry_interval = 10;       // 1..600 s: before it is asked again
  std::int64_t hooks_timeout = 60;               // 1..3600 s: each of pre-reboot.d, green.d, red.d
  std::int64_t hooks_migration_timeout = 300;    // 1..86400 s: each of migrate.d
};

// One key as `config show` prints it.
struct ConfigEntry {
  std::string key;      // "trial.tries"
  std::string value;    // as TOML
  std::string origin;   // file:line, or "default"
  std::string meaning;  // with unit and range
};

struct LoadedConfig {
  Config config;
  std::vector<ConfigEntry> entries;  // every key there is
};

// Errors: invalid (file:line: what), corrupt (over 64 KiB, unreadable), failed.
[[nodiscard]] Result<LoadedConfig> load_config(const RootDir& root);

}  // namespace cube
