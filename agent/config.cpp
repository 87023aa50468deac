#include "agent/config.h"

#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

#include <algorithm>
#include <functional>
#include <map>
#include <sstream>
#include <variant>

#include "base/time_zone.h"
#include "base/toml_names.h"
#include "model/fleet/plan.h"
#include "model/maintenance_window.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::size_t max_config_bytes = 64 * 1024;
constexpr std::size_t max_config_files = 64;
constexpr std::size_t max_value_bytes = 1024;

// Where a key's value goes, and its range.
struct Text {
  std::string Config::*member;
  Status (*check)(const std::string& text) = nullptr;
};
struct Flag {
  bool Config::*member;
};
struct Whole {
  std::int64_t Config::*member;
  std::int64_t low, high;
  bool or_zero = false;
};
struct Count {
  int Config::*member;
  int low, high;
};
struct Rank {
  Priority Config::*member;
};
struct OneOf {
  std::string Config::*member;
  std::vector<std::string_view> words;
};
struct Texts {
  std::vector<std::string> Config::*member;
  Status (*check)(const std::string& text) = nullptr;  // of each
};

struct Key {
  std::string_view name;
  std::variant<Text, Flag, Whole, Count, Rank, OneOf, Texts> target;
  std::string_view meaning;
};

Status is_window(const std::string& text) {
  CUBE_CHECK(parse_window(text));
  return ok();
}

Status is_days(const std::string& text) {
  CUBE_CHECK(parse_days(text));
  return ok();
}

Status is_zone(const std::string& name) {
  if (name.empty()) return ok();
  const auto zone = TimeZone::find(name);
  // Without tzdata no name can be checked, and commands that need none must work.
  if (!zone && zone.error().code == Errc::invalid) return zone.error();
  return ok();
}

Status is_name(const std::string& text) {
  if (text.empty() || is_safe_name(text)) return ok();
  return Error{Errc::invalid, "must be a name: letters, digits and ._+-"};
}

Status is_label(const std::string& text) {
  if (fleet::is_label(text)) return ok();
  return Error{Errc::invalid, "\"" + text + "\" is no label like \"canary=true\""};
}

Status is_unit(const std::string& name) {
  const bool has_type = name.find('.') != std::string::npos && name.back() != '.';
  const bool plain = std::all_of(name.begin(), name.end(), [](char c) {
    return is_ascii_alnum(c) || std::string_view(":-_.\\@").find(c) != std::string_view::npos;
  });
  if (has_type && plain && name.size() <= 255) return ok();
  return Error{Errc::invalid, "\"" + name + "\" is no unit like \"ceph.target\""};
}

// clang-format off
const std::vector<Key>& keys() {
  static const std::vector<Key> table{
      {"product", Text{&Config::product}, "only releases of this product; empty: that of the running release"},
      {"source.url", Text{&Config::source_url}, "where releases come from: https://, http://, file:// or a folder"},
      {"source.allow-http", Flag{&Config::source_allow_http}, "permit plain http (content stays signed, privacy is lost)"},
      {"source.ca-file", Text{&Config::source_ca_file}, "certificates to trust for https; empty: the system's"},
      {"source.client-certificate", Text{&Config::source_client_certificate}, "PEM file that https servers may ask for"},
      {"source.client-key", Text{&Config::source_client_key}, "its key as a PEM file; empty: in source.client-certificate"},
      {"source.mirrors", Texts{&Config::source_mirrors}, "up to 8 URLs of folders that may have the same files as source.url; asked first, in this order, and not trusted"},
      {"source.mirrors-allow-http", Flag{&Config::source_mirrors_allow_http}, "permit plain http to mirrors (content is checked, but who listens sees what this machine downloads)"},
      {"source.proxy", Text{&Config::source_proxy}, "http://HOST:PORT; empty: none, whatever the environment says"},
      {"source.staging", Text{&Config::source_staging}, "folder where `fetch` keeps what it downloads"},
      {"source.staging-max", Whole{&Config::source_staging_max, 0, 1048576}, "MiB that a download may take there; 0: as much as the disk has to spare"},
      {"source.max-rate", Whole{&Config::source_max_rate, 16, 16777216, true}, "KiB per second to download with, 16 to 16777216; 0: no limit"},
      {"share.folder", Text{&Config::share_folder}, "folder for a web server of this site, where whole packs of releases are kept that were downloaded here; empty: none"},
      {"share.max-size", Whole{&Config::share_max_size, 64, 1048576}, "MiB that all of it may take, 64 to 1048576"},
      {"share.keep-releases", Count{&Config::share_keep_releases, 1, 16}, "how many releases are kept there, 1 to 16, the newest that came"},
      {"update.cpu-priority", Rank{&Config::update_cpu_priority}, "of fetch and apply: normal, low or idle"},
      {"update.io-priority", Rank{&Config::update_io_priority}, "of fetch and apply: normal, low or idle"},
      {"trial.tries", Count{&Config::trial_tries, 1, 9}, "how often a trial may be started, 1 to 9"},
      {"trial.deadline", Whole{&Config::trial_deadline, 10, 86400}, "seconds from boot to commit, 10 to 86400"},
      {"schedule.automatic", OneOf{&Config::schedule_automatic, {"off", "check", "fetch", "apply"}}, "what the timer does by itself when there is a newer release: off, check, fetch or apply"},
      {"schedule.check-interval", Whole{&Config::schedule_check_interval, 600, 2592000}, "seconds from one look for a release to the next, 600 to 2592000; each machine adds up to a quarter"},
      {"schedule.windows", Texts{&Config::schedule_windows, is_window}, "when the machine may restart into a trial by itself, like \"Sat,Sun 02:00 +4h\"; none: at any time"},
      {"schedule.exceptions", Texts{&Config::schedule_exceptions, is_days}, "days on which no window opens, like \"2026-12-20..2027-01-06\""},
      {"schedule.time-zone", Text{&Config::schedule_time_zone, is_zone}, "of windows and exceptions, like Europe/Berlin; empty: the system's"},
      {"schedule.spread", Whole{&Config::schedule_spread, 0, 86400}, "seconds over which machines start after a window opens, 0 to 86400, at most half the window"},
      {"schedule.download-spread", Whole{&Config::schedule_download_spread, 0, 604800}, "seconds over which machines begin to download a release by themselves once they have seen it, 0 to 604800"},
      {"schedule.warn-minutes", Whole{&Config::schedule_warn_minutes, 0, 60}, "how long before a restart by itself those who are logged in are warned, 0 to 60; 0: not"},
      {"fleet.plan", Flag{&Config::fleet_plan}, "look for releases, download and restart by itself only as the repository's signed rollout plan says"},
      {"fleet.unit", Text{&Config::fleet_unit, is_name}, "what the plan counts this machine as, the same for all of a cluster; empty: fleet.cluster, or else the machine's id"},
      {"fleet.labels", Texts{&Config::fleet_labels, is_label}, "labels by which a plan chooses its canaries, like \"canary=true\"; the same for all of a cluster"},
      {"fleet.cluster", Text{&Config::fleet_cluster, is_name}, "the cluster whose gate is asked before a restart into a trial; empty: none"},
      {"fleet.endpoints", Texts{&Config::fleet_endpoints}, "URLs of the etcd of this cluster, tried in this order"},
      {"fleet.allow-http", Flag{&Config::fleet_allow_http}, "permit plain http to it: who can write there can hold updates back, and nothing else"},
      {"fleet.ca-file", Text{&Config::fleet_ca_file}, "certificates to trust for https; empty: the system's"},
      {"fleet.client-certificate", Text{&Config::fleet_client_certificate}, "PEM file that etcd asks for; it must name no common name"},
      {"fleet.client-key", Text{&Config::fleet_client_key}, "its key as a PEM file; empty: in fleet.client-certificate"},
      {"fleet.user", Text{&Config::fleet_user}, "user of etcd; empty: none"},
      {"fleet.password-file", Text{&Config::fleet_password_file}, "file whose first line is that user's password"},
      {"fleet.lock-url", Text{&Config::fleet_lock_url}, "the FleetLock server that is asked before a restart into a trial; empty: none, and never with fleet.cluster"},
      {"fleet.lock-group", Text{&Config::fleet_lock_group, is_name}, "the group there whose places are asked for; empty: default"},
      {"fleet.node", Text{&Config::fleet_node, is_name}, "this machine's name in the cluster; empty: its host name"},
      {"fleet.domain", Text{&Config::fleet_domain, is_name}, "its failure domain, as its rack; empty: not known, so it shares one with nobody"},
      {"fleet.order", Whole{&Config::fleet_order, 0, 9}, "machines of a lower one go first, 0 to 9; 0: a canary"},
      {"fleet.roles", Texts{&Config::fleet_roles, is_name}, "quorums that it is a member of, like etcd and ceph-mon: of each at most one machine is away"},
      {"slots.a", Text{&Config::slot_a}, "LABEL=..., a device, or dir:FOLDER"},
      {"slots.b", Text{&Config::slot_b}, "LABEL=..., a device, or dir:FOLDER"},
      {"slots.carry-over", Texts{&Config::carry_over}, "paths that a new slot takes from the running one"},
      {"slots.merge-etc", Flag{&Config::merge_etc}, "take along what this machine changed in /etc, where the release did not change it"},
      {"slots.etc-conflicts", OneOf{&Config::etc_conflicts, {"local", "release"}}, "who wins where machine and release changed the same: local or release"},
      {"foresight.policy", OneOf{&Config::foresight_policy, {"require", "warn"}}, "what speaks against a release before its trial: require that nothing does, or only warn"},
      {"foresight.virtual", OneOf{&Config::foresight_virtual, {"off", "warn", "require"}}, "start a release in a virtual machine before its trial: off, warn when it fails there, or require that it is seen to come up there"},
      {"foresight.virtual-memory", Whole{&Config::foresight_virtual_memory, 256, 65536}, "MiB of that machine, 256 to 65536; never more than half of what is available"},
      {"foresight.virtual-time", Whole{&Config::foresight_virtual_time, 10, 3600}, "seconds that it may take on this machine's processor (KVM), 10 to 3600"},
      {"foresight.virtual-emulated-time", Whole{&Config::foresight_virtual_emulated_time, 10, 14400}, "seconds that it may take on an emulated processor, 10 to 14400"},
      {"boot.loader", OneOf{&Config::boot_loader, {"auto", "grub", "systemd-boot", "uefi", "u-boot"}}, "auto, grub, systemd-boot, uefi or u-boot; auto: what the machine's own facts say, never u-boot"},
      {"boot.esp", Text{&Config::boot_esp}, "systemd-boot, uefi: where the EFI system partition is mounted"},
      {"boot.arguments", Text{&Config::boot_arguments}, "systemd-boot, uefi: further arguments for the kernel, at most 128 characters"},
      {"boot.environment", Text{&Config::boot_environment}, "GRUB environment block of the trial"},
      {"boot.good", Text{&Config::boot_good}, "second copy of the fallback"},
      {"watchdog.policy", OneOf{&Config::watchdog_policy, {"off", "if-present", "required"}}, "the BMC's watchdog for a trial: off, if-present, or required: no trial without it"},
      {"watchdog.boot-seconds", Whole{&Config::watchdog_boot_seconds, 30, 6553, true}, "seconds from the restart into a trial to its userspace, firmware included, 30 to 6553; 0: learned"},
      {"health.timeout", Whole{&Config::health_timeout, 1, 3600}, "seconds per check, 1 to 3600"},
      {"health.ignore-units", Texts{&Config::health_ignore_units}, "systemd units that may have failed"},
      {"health.required-units", Texts{&Config::health_required_units, is_unit}, "systemd units that must be active"},
      {"health.wanted-units", Texts{&Config::health_wanted_units, is_unit}, "systemd units that should be active; one that is not is told, and decides nothing"},
      {"health.boot-complete", Flag{&Config::health_boot_complete}, "with systemd: boot-complete.target must be reached"},
      {"health.drift", OneOf{&Config::health_drift, {"off", "told", "required"}}, "whether what runs is still what its release brought: off, told, or required before an update begins"},
      {"health.retries", Count{&Config::health_retries, 0, 1000}, "how often what fails is asked again before the trial's deadline, 0 to 1000"},
      {"health.retry-interval", Whole{&Config::health_retry_interval, 1, 600}, "seconds before it is asked again, 1 to 600"},
      {"hooks.timeout", Whole{&Config::hooks_timeout, 1, 3600}, "seconds per hook of pre-reboot.d, green.d and red.d, 1 to 3600; all of a folder together have 600"},
      {"hooks.migration-timeout", Whole{&Config::hooks_migration_timeout, 1, 86400}, "seconds per hook of migrate.d, 1 to 86400, within the trial's deadline"},
  };
  return table;
}
// clang-format on

std::string at(const std::string& file, const toml::source_region& region) {
  return file + ":" + std::to_string(region.begin.line);
}

Error wrong(const std::string& where, std::string_view key, const std::string& what) {
  return {Errc::invalid, where + ": " + std::string(key) + ": " + what};
}

Result<std::string> text_of(const toml::node& node) {
  const auto* value = node.as_string();
  if (value == nullptr) return Error{Errc::invalid, "must be a text in quotes"};
  if (value->get().size() > max_value_bytes || value->get().find('\0') != std::string::npos)
    return Error{Errc::invalid, "too long, or with a NUL"};
  return value->get();
}

Result<std::int64_t> whole_of(const toml::node& node, std::int64_t low, std::int64_t high,
                              bool or_zero = false) {
  const auto* value = node.as_integer();
  const bool zero = or_zero && value != nullptr && value->get() == 0;
  if (!zero && (value == nullptr || value->get() < low || value->get() > high))
    return Error{Errc::invalid, std::string("must be ") + (or_zero ? "0 or " : "") +
                                    "a whole number from " + std::to_string(low) + " to " +
                                    std::to_string(high)};
  return value->get();
}

Result<Priority> priority_of(const toml::node& node) {
  const auto* value = node.as_string();
  const auto priority = value == nullptr ? std::nullopt : parse_priority(value->get());
  if (!priority) return Error{Errc::invalid, "must be \"normal\", \"low\" or \"idle\""};
  return *priority;
}

// `check` may be nullptr.
Result<std::string> checked_text_of(const toml::node& node, Status (*check)(const std::string&)) {
  CUBE_TRY(auto text, text_of(node));
  if (check != nullptr) CUBE_CHECK(check(text));
  return text;
}

// "must be "a", "b" or "c""
Result<std::string> one_of(const toml::node& node, const std::vector<std::string_view>& words) {
  CUBE_TRY(auto text, text_of(node));
  if (std::find(words.begin(), words.end(), text) != words.end()) return text;
  std::string all;
  for (const auto& word : words)
    all += std::string(all.empty()              ? ""
                       : &word == &words.back() ? " or "
                                                : ", ") +
           '"' + std::string(word) + '"';
  return Error{Errc::invalid, "must be " + all};
}

Status assign(Config& config, const Key& key, const toml::node& node) {
  if (const auto* text = std::get_if<Text>(&key.target)) {
    CUBE_TRY(config.*text->member, checked_text_of(node, text->check));
  } else if (const auto* flag = std::get_if<Flag>(&key.target)) {
    const auto* value = node.as_boolean();
    if (value == nullptr) return Error{Errc::invalid, "must be true or false"};
    config.*flag->member = value->get();
  } else if (const auto* whole = std::get_if<Whole>(&key.target)) {
    CUBE_TRY(config.*whole->member, whole_of(node, whole->low, whole->high, whole->or_zero));
  } else if (const auto* count = std::get_if<Count>(&key.target)) {
    CUBE_TRY(const auto value, whole_of(node, count->low, count->high));
    config.*count->member = static_cast<int>(value);
  } else if (const auto* rank = std::get_if<Rank>(&key.target)) {
    CUBE_TRY(config.*rank->member, priority_of(node));
  } else if (const auto* one = std::get_if<OneOf>(&key.target)) {
    CUBE_TRY(config.*one->member, one_of(node, one->words));
  } else if (const auto* texts = std::get_if<Texts>(&key.target)) {
    const auto* array = node.as_array();
    if (array == nullptr || array->size() > 64)
      return Error{Errc::invalid, "must be a list of at most 64 texts"};
    std::vector<std::string> values;
    for (const auto& element : *array) {
      CUBE_TRY(auto value, checked_text_of(element, texts->check));
      values.push_back(std::move(value));
    }
    config.*texts->member = std::move(values);
  }
  return ok();
}

std::string as_toml(const Config& config, const Key& key) {
  std::ostringstream out;
  const auto quoted = [](const std::string& text) {
    std::ostringstream one;
    one << toml::value<std::string>(text);
    return one.str();
  };
  if (const auto* text = std::get_if<Text>(&key.target)) out << quoted(config.*text->member);
  if (const auto* flag = std::get_if<Flag>(&key.target))
    out << (config.*flag->member ? "true" : "false");
  if (const auto* whole = std::get_if<Whole>(&key.target)) out << config.*whole->member;
  if (const auto* count = std::get_if<Count>(&key.target)) out << config.*count->member;
  if (const auto* rank = std::get_if<Rank>(&key.target))
    out << quoted(std::string(to_string(config.*rank->member)));
  if (const auto* one = std::get_if<OneOf>(&key.target)) out << quoted(config.*one->member);
  if (const auto* texts = std::get_if<Texts>(&key.target)) {
    out << '[';
    for (const auto& value : config.*texts->member)
      out << (&value == &(config.*texts->member).front() ? "" : ", ") << quoted(value);
    out << ']';
  }
  return out.str();
}

using Origins = std::map<std::string_view, std::string>;

Status read_table(Config& config, Origins& origins, const std::string& file,
                  const toml::table& table, const std::string& prefix) {
  for (const auto& [part, node] : table) {
    const std::string name = prefix + std::string(part.str());
    const std::string where = at(file, node.source());
    if (const auto* inner = node.as_table(); inner != nullptr && prefix.empty()) {
      CUBE_CHECK(read_table(config, origins, file, *inner, name + "."));
      continue;
    }
    const auto key = std::find_if(keys().begin(), keys().end(),
                                  [&](const Key& candidate) { return candidate.name == name; });
    if (key == keys().end())
      return wrong(where, name, "unknown key; `cube-update config show` lists all keys");
    if (auto status = assign(config, *key, node); !status)
      return wrong(where, name, status.error().what);
    origins[key->name] = where;
  }
  return ok();
}

Status read_file(Config& config, Origins& origins, const RootDir& root, const std::string& file) {
  CUBE_TRY(const auto text, root.read_file(file, max_config_bytes));
  CUBE_CHECK(check_table_names(root.join(file), text));
  const auto parsed = toml::parse(text, root.join(file));
  if (!parsed)
    return Error{Errc::invalid, at(root.join(file), parsed.error().source()) + ": " +
                                    std::string(parsed.error().description())};
  return read_table(config, origins, root.join(file), parsed.table(), "");
}

// In the order in which they are read. A later folder replaces a file of the same name.
Result<std::vector<std::string>> fragments(const RootDir& root) {
  std::vector<std::string> files;
  for (const std::string base : {"usr/lib", "etc", "run"}) {
    const std::string folder = base + "/cube-update/config.d";
    auto names = root.list(folder, max_config_files);
    if (!names) {
      if (names.error().code == Errc::not_found) continue;
      return std::move(names).error();
    }
    for (const auto& name : *names) {
      if (!name.ends_with(".toml")) continue;
      std::erase_if(files, [&](const std::string& earlier) {
        return earlier.ends_with("/config.d/" + name);
      });
      files.push_back(folder + "/" + name);
    }
  }
  return files;
}

}  // namespace

Result<LoadedConfig> load_config(const RootDir& root) {
  LoadedConfig loaded;
  Origins origins;
  CUBE_TRY(const auto files, fragments(root));
  for (const auto& file : files) CUBE_CHECK(read_file(loaded.config, origins, root, file));
  for (const auto& key : keys()) {
    const auto origin = origins.find(key.name);
    loaded.entries.push_back({std::string(key.name), as_toml(loaded.config, key),
                              origin == origins.end() ? "default" : origin->second,
                              std::string(key.meaning)});
  }
  return loaded;
}

}  // namespace cube
