// cube-update: the command line.
#include <fmt/format.h>
#include <malloc.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <cstdio>
#include <functional>

#include "agent/cli/command_options.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/fleet/fleet_cluster.h"
#include "agent/cli/fleet/fleet_plan.h"
#include "agent/cli/fleet/fleet_simulate.h"
#include "agent/cli/fleet/fleet_status.h"
#include "agent/cli/rules.h"
#include "base/json.h"

namespace cube::cli {
namespace {

constexpr const char* about =
    "cube-update installs a signed release into the inactive slot of a two-slot appliance, boots "
    "it once on trial, and is back on the last good slot by itself if it fails.";

constexpr const char* footer =
    "Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 nothing to do, 4 not trusted,\n"
    "5 not for this machine, 6 refused (health, policy), 7 content damaged, 8 no space,\n"
    "9 source unreachable, 10 busy, 11 cannot arm safely, 12 staged and waiting,\n"
    "20 armed, reboot needed, 130 stopped by a signal. See cube-update(8) and docs/operations.md.";

constexpr const char* stale_help =
    "as root, where nothing newer can be had: believe metadata that has expired";

// One command: its CLI11 parser filled in by `add`, its work in `run`.
struct Command {
  CLI::App* app = nullptr;
  std::function<Result<int>()> run;
};

struct Options {
  Common common;
  ApplyOptions apply;
  ApplyOptions fetch;
  DoctorOptions doctor;
  DiffOptions diff;
  std::string drift;
  RehearsalOptions rehearsal;
  FleetActOptions fleet_act;
  FleetPlanOptions fleet_plan;
  FleetStatusOptions fleet_status;
  FleetWindowOptions fleet_window;
  FleetSimulateOptions fleet_simulate;
  bool drop = false;
  bool in_virtual_machine = false;
  LookOptions look;
  std::string what;
  RollbackOptions rollback;
  std::string release, reason = "operator";
  std::string folder, install_from, trusted_root;
  std::uint64_t attempt = 0;
  std::string log;
  std::string file;
  std::vector<std::string> command;
};

constexpr std::int64_t highest_rate = 16777216;  // KiB/s

void add_through(CLI::App& command, std::string& socket) {
  command.add_option("--through", socket,
                     "make web requests through the fetch service at this socket");
}

// What apply and fetch have in common.
void add_choice(CLI::App& command, ApplyOptions& options) {
  add_through(command, options.through);
  command.add_option("release", options.release, "release name (default: the newest)");
  command.add_option("--from", options.from, "repository: URL or folder (USB stick)");
  command.add_flag("--allow-downgrade", options.allow_downgrade,
                   "take the named release even if it is older than what was committed here");
  command.add_flag("--past-floor", options.past_floor, past_floor_help);
  command.add_flag("--allow-blocked", options.allow_blocked,
                   "also a release that the fleet's rollout plan blocks");
  command.add_flag("--accept-stale", options.accept_stale, stale_help);
  command
      .add_option("--max-rate", options.max_rate,
                  "KiB per second to download with, 0: no limit (default: source.max-rate)")
      ->check(CLI::Range(std::int64_t{0}, highest_rate));
}

// The commands that take a release.
void add_taking(CLI::App& app, const Add& add, Options& o) {
  auto* fetch_command = add(app, "fetch", "download a release now, for a later apply", [&o] {
    return o.drop ? drop_download(o.common) : fetch(o.common, o.fetch);
  });
  add_choice(*fetch_command, o.fetch);
  fetch_command->add_flag("--drop", o.drop, "give up what was downloaded")
      ->excludes("release")
      ->excludes("--from")
      ->excludes("--through");
  auto* apply_command = add(app, "apply", "install a release and reboot into its trial",
                            [&o] { return apply(o.common, o.apply); });
  add_choice(*apply_command, o.apply);
  apply_command->add_flag("--out-of-turn", o.apply.out_of_turn,
                          "at once, without a place at the gate of the cluster");
  apply_command->add_flag("--no-reboot", o.apply.no_reboot, "arm, but leave the reboot to you");
  auto* in_window = apply_command->add_flag("--window", o.apply.in_window,
                                            "install now, restart in the next maintenance window");
  apply_command
      ->add_option("--at", o.apply.at,
                   "install now, restart at this time: \"2026-11-25 21:55\", or "
                   "2026-11-25T20:55:00Z; with --window: not before")
      ->excludes("--no-reboot");
  in_window->excludes("--no-reboot");
  apply_command->add_option("--tries", o.apply.tries, "how often the trial may be started")
      ->check(CLI::Range(1, 9));
}

// The same as `COMMAND --help`. Errors: invalid (no such command).
Result<int> help(const CLI::App& app, const std::vector<std::string>& words) {
  const CLI::App* command = &app;
  std::string name = app.get_name();
  for (const auto& word : words) {
    const auto found =
        command->get_subcommands([&](const CLI::App* each) { return each->get_name() == word; });
    if (found.empty())
      return Error{Errc::invalid,
                   name + " has no command " + word + "; `cube-update help` lists all"};
    command = found.front();
    name += " " + word;
  }
  fmt::print("{}", app.get_formatter()->make_help(command, name, CLI::AppFormatMode::Normal));
  return exit_done;
}

// The commands that have no JSON.
void add_plain(CLI::App& app, std::vector<Command>& commands, Options& o) {
  CLI::App* metrics_command =
      app.add_subcommand("metrics", "what runs and what came of updates, for Prometheus");
  metrics_command->add_option("--file", o.file,
                              "write them to this file, whole or not at all (default: standard "
                              "output)");
  metrics_command
      ->add_option("--root", o.common.root, "work on the appliance laid out in this folder")
      ->capture_default_str();
  commands.push_back({metrics_command, [&o] { return metrics(o.common, o.file); }});
  CLI::App* help_command = app.add_subcommand("help", "what a command does, and its options");
  help_command->add_option("command", o.command, "its name (default: the list of all)");
  commands.push_back({help_command, [&app, &o] { return help(app, o.command); }});
}

// What operators do to their cluster.
void add_fleet_acts(const Add& add, CLI::App& fleet, Options& o) {
  struct Act {
    const char *name, *help, *of;
  };
  for (const auto& [name, help, of] : std::initializer_list<Act>{
           {"pause", "nothing begins in this cluster any more", nullptr},
           {"halt", "the same, as after failures", nullptr},
           {"resume", "end pause and halt", nullptr},
           {"unlock", "take the place of a machine that does not come back away", "node"},
           {"block", "no machine of this cluster begins this release", "release"},
           {"unblock", "they may again", "release"},
           {"abort", "block this release, and end the halt that it led to", "release"},
           {"forget", "a machine that is gone for good is not waited for any more", "node"},
           {"set", "the cluster's own limits, like max-unavailable=2", nullptr}}) {
    auto* command = add(fleet, name, help, [&o, act = std::string(name)] {
      return fleet_act(o.common, act, o.fleet_act);
    });
    if (of != nullptr) command->add_option(of, o.fleet_act.what)->required();
    if (std::string(name) == "set")
      command->add_option("limits", o.fleet_act.limits, "NAME=NUMBER")->required();
    if (std::string(name) == "resume")
      command->add_flag("--accept-failures", o.fleet_act.accept_failures,
                        "those that failed do not count any more");
    command->add_option("--reason", o.fleet_act.reason, "why, for the cluster's log");
  }
}

void add_fleet_status(const Add& add, CLI::App& fleet, Options& o) {
  auto* command =
      add(fleet, "status", "this machine's cluster: who is away, who failed, what stands still",
          [&o] { return fleet_status(o.common, o.fleet_status); });
  auto* html = command->add_option("--html", o.fleet_status.html,
                                   "write a page for a browser to this file, whole or not at all; "
                                   "\"-\": standard output");
  command
      ->add_option("--watch", o.fleet_status.watch,
                   "show it again whenever it changes; looks every so many seconds")
      ->expected(0, 1)
      ->default_str("5")
      ->check(CLI::Range(1, 3600))
      ->excludes(html);
  html->excludes("--json");
}

void add_fleet_simulate(const Add& add, CLI::App& fleet, Options& o) {
  auto& options = o.fleet_simulate;
  auto* command =
      add(fleet, "simulate", "what a rollout plan would do to a fleet, before it is published",
          [&o] { return fleet_simulate(o.common, o.fleet_simulate); });
  command->add_option("plan", options.plan, "file with its text, signed or not")->required();
  command->add_option("--inventory", options.inventory, "file with the clusters, one a line")
      ->required();
  command->add_option("--html", options.html, "write a page with a plot to this file, too");
  command->add_option("--failures", options.failures, "of a million trials, how many fail")
      ->check(CLI::Range(0, 1000000))
      ->capture_default_str();
  command->add_option("--seed", options.seed, "which ones fail")->capture_default_str();
  command
      ->add_option("--install-time", options.install_time,
                   "from when a machine may begin until it is ready to restart")
      ->capture_default_str();
  command
      ->add_option("--away-time", options.away_time,
                   "from when it leaves until the next may: drain, restart, trial, health")
      ->capture_default_str();
  command->add_option("--from", options.from,
                      "from this time on, like 2026-11-25T00:00:00Z (default: when the plan was "
                      "issued)");
  command->add_option("--days", options.days, "how many days")
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
}

void add_fleet(const Add& add, CLI::App& app, Options& o) {
  auto* fleet = app.add_subcommand("fleet", "this machine among others")->require_subcommand(1);
  add_fleet_status(add, *fleet, o);
  add_fleet_acts(add, *fleet, o);
  add(*fleet, "log", "what operators did to this cluster",
      [&o] { return fleet_log(o.common, o.fleet_act); })
      ->add_option("--entries", o.fleet_act.entries, "how many, the newest")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  add(*fleet, "doctor", "does this machine's part in its fleet work now?",
      [&o] { return fleet_doctor(o.common); });
  auto* plan = add(*fleet, "plan", "what the signed rollout plan lets this machine begin, and when",
                   [&o] { return fleet_plan(o.common, o.fleet_plan); });
  plan->add_flag("--explain", o.fleet_plan.explain, "every reason why not yet");
  plan->add_option("--at", o.fleet_plan.at, "at this time instead of now");
  plan->add_option("--from", o.fleet_plan.from, "repository: URL or folder");
  add_through(*plan, o.fleet_plan.through);
  add_fleet_simulate(add, *fleet, o);
  auto* window = fleet->add_subcommand("window", "when it may restart")->require_subcommand(1);
  auto* test = add(*window, "test", "the openings in the coming days, of plan, site and machine",
                   [&o] { return fleet_window_test(o.common, o.fleet_window); });
  test->add_option("--from", o.fleet_window.from, "from this time on (default: now)");
  test->add_option("--days", o.fleet_window.days, "how many days")
      ->check(CLI::Range(1, 400))
      ->capture_default_str();
}

std::vector<Command> add_commands(CLI::App& app, Options& o) {
  std::vector<Command> commands;
  const auto add = [&](CLI::App& parent, const char* name, const char* help,
                       std::function<Result<int>()> run) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->add_flag("--json", o.common.json, "JSON lines instead of text");
    command->add_option("--root", o.common.root, "work on the appliance laid out in this folder")
        ->capture_default_str();
    commands.push_back({command, std::move(run)});
    return command;
  };
  add_status(add, app, o.common, o.drift);
  auto* check_command =
      add(app, "check", "is there a release to install?", [&] { return check(o.common, o.look); });
  check_command->add_option("--from", o.look.from, "repository: URL or folder");
  check_command->add_flag("--accept-stale", o.look.accept_stale, stale_help);
  add_through(*check_command, o.look.through);
  auto* verify_command =
      add(app, "verify", "who signed it, until when, and would this machine take it?",
          [&] { return verify(o.common, o.what, o.look); });
  verify_command->add_option("what", o.what,
                             "a repository (URL or folder), a metadata document or a manifest "
                             "(default: the configured source)");
  verify_command->add_option("--from", o.look.from, "for a manifest: the repository that lists it");
  verify_command->add_flag("--accept-stale", o.look.accept_stale, stale_help);
  add_taking(app, add, o);
  add(app, "commit", "check health now, and make the running slot the fallback",
      [&] { return commit(o.common); });
  add_rollback(add, app, o.common, o.rollback);
  add(app, "history", "what was tried, and what came of it", [&] { return history(o.common); });
  add_diff(add, app, o.common, o.diff);
  auto* why_command = add(app, "why", "what an update died of, where, and what to do next",
                          [&] { return why(o.common, o.attempt, o.log); });
  auto* attempt = why_command->add_option(
      "attempt", o.attempt, "its number in the history (default: the last that failed)");
  why_command
      ->add_option("--from", o.log, "a serial log, or a folder of pstore records, of any machine")
      ->excludes(attempt);
  auto* doctor_command =
      add(app, "doctor", "would an update work here, and the way back, whatever the trial dies of?",
          [&] {
            return o.rehearsal.how.empty() ? doctor(o.common, o.doctor)
                                           : rehearse(o.common, o.rehearsal);
          });
  doctor_command->add_flag("--offline", o.doctor.offline, "do not ask the source of releases");
  doctor_command->add_flag("--verify", o.doctor.read_back,
                           "read all of the other slot back; takes minutes");
  auto* rehearse_option =
      doctor_command
          ->add_option("--rehearse", o.rehearsal.how,
                       "restart into the other slot, fail there on purpose, and time the return")
          ->check(CLI::IsMember({"panic", "hang", "sick"}));
  doctor_command
      ->add_flag("--attended", o.rehearsal.attended,
                 "also where nobody knows whether the machine comes back by itself")
      ->needs(rehearse_option);
  doctor_command
      ->add_flag("--no-reboot", o.rehearsal.no_reboot, "arm it, and leave the restart to you")
      ->needs(rehearse_option);
  auto* deny_command = add(app, "deny", "never install this release here",
                           [&] { return deny(o.common, o.release, o.reason); });
  deny_command->add_option("release", o.release)->required();
  deny_command->add_option("--reason", o.reason, "at most 40 characters");
  add(app, "allow", "permit a denied or rolled back release again",
      [&] { return allow(o.common, o.release); })
      ->add_option("release", o.release)
      ->required();
  add(app, "config-diff", "what is different in /etc from what the running release brought",
      [&] { return config_diff(o.common); });
  add_preflight(add, app, o.common, o.in_virtual_machine);
  CLI::App* config = app.add_subcommand("config", "the configuration")->require_subcommand(1);
  add(*config, "show", "every key, its value and where it comes from",
      [&] { return config_show(o.common); });
  add(*config, "check", "is the configuration valid?", [&] { return config_check(o.common); });
  add_rules(app, add, o.common);
  add_fleet(add, app, o);
  add(app, "automatic", "what the timer runs: start what waits, look for releases",
      [&] { return automatic(o.common); });
  add(app, "resume", "at every boot: settle what the reboot left open (run by systemd)",
      [&] { return resume(o.common); });
  auto* install = add(
      app, "install-slot", "lay a release out in a folder (for image builders)",
      [&] { return install_slot(o.common, o.folder, o.install_from, o.release, o.trusted_root); });
  install->add_option("folder", o.folder, "an empty folder: the future root of a slot")->required();
  install->add_option("release", o.release, "release name (default: the newest)");
  install->add_option("--from", o.install_from, "repository: URL or folder")->required();
  install->add_option("--trusted-root", o.trusted_root, "the repository's root.json")->required();
  add_plain(app, commands, o);
  return commands;
}

int tell(const Error& error, bool json) {
  const int code = exit_code(error.code);
  // Not fmt::print, which throws when nobody reads any more.
  const auto write = [](std::FILE* to, const std::string& line) {
    std::fwrite(line.data(), 1, line.size(), to);
    std::fflush(to);
  };
  const Json event(Json::Object{{"event", "error"}, {"error", error.what}, {"exit_code", code}});
  if (json) write(stdout, event.line() + "\n");
  write(stderr, "cube-update: " + error.what + "\n");
  return code;
}

int run(int argc, char** argv) {
  CLI::App app(about, "cube-update");
  app.footer(footer);
  app.set_version_flag("--version", CUBE_VERSION);
  app.require_subcommand(1);
  Options options;
  const auto commands = add_commands(app, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // CLI11's way to say "--help" and "wrong usage"
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  for (const auto& command : commands) {
    if (!command.app->parsed()) continue;
    const auto code = command.run();
    return code ? *code : tell(code.error(), options.common.json);
  }
  return exit_usage;
}

}  // namespace
}  // namespace cube::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write, not a death
  // Chunks of packs have megabytes: each goes back to the system when it is freed.
  ::mallopt(M_MMAP_THRESHOLD, 1 << 20);
  return cube::cli::run(argc, argv);
}
