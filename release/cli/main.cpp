// cube-release: the command line.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <csignal>
#include <functional>

#include "base/json.h"
#include "release/cli/asked_passphrases.h"
#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/cli/help.h"
#include "release/cli/lock_commands.h"

namespace cube::publish_cli {
namespace {

struct Command {
  CLI::App* app = nullptr;
  std::function<Result<int>()> run;
};

struct Options {
  Common common;
  InitCommand init;
  ComposeRequest compose;
  PackCommand pack;
  RootCommand root;
  std::string owners = ::geteuid() == 0 ? "keep" : "root";
  std::vector<std::string> expand;
  KeyCommand key;
  RotateCommand rotate;
  PlanCommand plan;
  ListCommand list;
  int passphrase_fd = -1;
  std::vector<std::string> sign_with;
  std::optional<std::uint64_t> lifetime;
  std::uint64_t soon = 14;
  std::string place = ".";
  VerifyOptions verify;
  DiffCommand diff;
  WaiveOptions waive;
  std::vector<std::string> help;
};

class Commands {
 public:
  explicit Commands(CLI::App& app) : app_(app) {
    add_init();
    add_key();
    add_compose();
    add_pack();
    add_signing();
    add_plan();
    add_root();
    add_reading();
    add_inventories();
    add_lock_commands(
        app_,
        [this](CLI::App& parent, const char* name, const char* help, const char* example,
               std::function<Result<int>()> run) {
          return add(parent, name, help, example, std::move(run));
        },
        o_.common);
    auto* command = app_.add_subcommand("help", "what a command does, and its options");
    command->add_option("command", o_.help, "its name (default: the list of all)");
    commands_.push_back({command, [this] { return help(app_, o_.help); }});
  }

  // The command that was parsed. Errors: those of the command.
  Result<int> run() {
    AskedPassphrases passphrases(o_.passphrase_fd);
    o_.common.passphrases = &passphrases;
    for (const auto& command : commands_)
      if (command.app->parsed()) return command.run();
    return exit_usage;
  }
  [[nodiscard]] bool json() const { return o_.common.json; }

 private:
  CLI::App* add(CLI::App& parent, const char* name, const char* help, const char* example,
                std::function<Result<int>()> run) {
    CLI::App* command = parent.add_subcommand(name, help);
    command->footer(std::string("Example: ") + example);
    command->add_flag("--json", o_.common.json, "one JSON object instead of text");
    commands_.push_back({command, std::move(run)});
    return command;
  }
  void add_repository(CLI::App* command) {
    command->add_option("--repository", o_.common.repository, "the repository's folder")
        ->capture_default_str();
  }
  void add_keys(CLI::App* command) {
    command->add_option("--keys", o_.common.keys,
                        "folder of the private keys (default: beside the repository, NAME.keys)");
    command
        ->add_option("--passphrase-fd", o_.passphrase_fd,
                     "read the keys' passphrase or PIN from this descriptor (default: ask)")
        ->check(CLI::Range(0, 1023));
  }
  static void add_protect(CLI::App* command, bool& protect) {
    command->add_flag("--passphrase", protect, "protect new private keys with a passphrase");
  }

  void add_init() {
    auto* command = add(app_, "init", "make a repository, its keys and its first root",
                        "cube-release init /srv/cube --product CUBE",
                        [this] { return init(o_.common, o_.init); });
    command->add_option("folder", o_.init.folder, "the new repository")->required();
    command->add_option("--product", o_.init.product, "first part of every release name")
        ->required();
    command->add_option("--root-keys", o_.init.root_keys, "how many root keys")
        ->capture_default_str();
    command->add_option("--root-threshold", o_.init.root_threshold,
                        "how many of them must sign the next root (default: more than half)");
    add_keys(command);
    add_protect(command, o_.init.protect);
  }

  void add_key() {
    auto* key = app_.add_subcommand("key", "the publisher's keys")->require_subcommand(1);
    auto* generate = add(*key, "generate", "make a key; one that exists is never overwritten",
                         "cube-release key generate root-2 --keys /media/usb/keys",
                         [this] { return key_generate(o_.common, o_.key); });
    generate->add_option("name", o_.key.name, "its name: NAME.pem and NAME.pub.json")->required();
    generate->add_option("--type", o_.key.type, "ed25519, ecdsa (P-256) or rsa (3072 bits)")
        ->check(CLI::IsMember({"ed25519", "ecdsa", "rsa"}))
        ->capture_default_str();
    auto* import =
        add(*key, "import", "take a key that was made elsewhere",
            "cube-release key import 'pkcs11:token=cube;object=targets' --name targets-2",
            [this] { return key_import(o_.common, o_.key); });
    import
        ->add_option("source", o_.key.source,
                     "a PEM file with a private or a public key, a NAME.pub.json, or the PKCS#11 "
                     "URI of a key that stays in its token")
        ->required();
    import->add_option("--name", o_.key.name, "its name here")->required();
    for (auto* command : {generate, import}) add_protect(command, o_.key.protect);
    auto* listing =
        add(*key, "list", "keys, the roles they sign for, and where private parts are",
            "cube-release key list --repository /srv/cube", [this] { return key_list(o_.common); });
    auto* rotate = add(*key, "rotate", "put another key in place of one, in the next root",
                       "cube-release key rotate targets --repository /srv/cube",
                       [this] { return key_rotate(o_.common, o_.rotate, o_.lifetime); });
    rotate->add_option("role", o_.rotate.role, "root, targets, snapshot or timestamp")->required();
    rotate->add_option(
        "--key", o_.rotate.new_key,
        "the key that comes; made if there is none of that name (default: a new one)");
    rotate->add_option("--replace", o_.rotate.old_key,
                       "the key that goes (default: the only one of the role)");
    add_protect(rotate, o_.rotate.protect);
    auto* revoke = add(*key, "revoke", "take a key out of every role, in the next root",
                       "cube-release key revoke root-2 --repository /srv/cube", [this] {
                         return key_revoke(o_.common, o_.key.name, o_.rotate.draft, o_.lifetime);
                       });
    revoke->add_option("name", o_.key.name, "the key's name, or its id")->required();
    for (auto* command : {rotate, revoke}) {
      command->add_option("--draft", o_.rotate.draft,
                          "write the root to this file, for others to sign, and publish nothing");
      command->add_option("--expires-days", o_.lifetime, "lifetime of the root")
          ->check(CLI::Range(1, 36500));
    }
    for (auto* command : {generate, import, rotate, revoke, listing}) {
      add_repository(command);
      add_keys(command);
    }
  }

  void add_compose() {
    auto* command = add(
        app_, "compose", "turn a root file system into a release, not yet published",
        "cube-release compose rootfs.tar --version 2.2.4 --epoch 3", [this] {
          o_.compose.keep_owners = o_.owners == "keep";
          for (const auto& kind : o_.expand)
            (kind == "initramfs" ? o_.compose.expand.initramfs : o_.compose.expand.modules) = true;
          return compose(o_.common, o_.compose, o_.waive);
        });
    auto& c = o_.compose;
    command->add_option("tree", c.tree, "a folder or a tar archive (any compression)")->required();
    command->add_option("--version", c.version, "dotted numbers, as in 2.2.4")->required();
    command->add_option("--epoch", c.epoch, "security epoch: machines never go back below it")
        ->capture_default_str();
    command->add_option("--built", c.built, "build time, YYYYMMDD-HHMM in UTC (default: now)");
    command->add_option("--source", c.source,
                        "commit of the source tree, 4 to 40 hex digits (default: of the content)");
    command
        ->add_option("--trial-deadline", c.trial_deadline,
                     "seconds from boot to commit (default: the machine's)")
        ->check(CLI::Range(0, 24 * 60 * 60));
    command
        ->add_option("--schema", c.schema,
                     "of the state that it keeps on a machine: once it is committed, no machine "
                     "returns by itself to a release with a lower one")
        ->capture_default_str();
    command
        ->add_option("--owners", o_.owners,
                     "keep: as in the tree; root: everything belongs to root (default: keep when "
                     "run by root)")
        ->check(CLI::IsMember({"keep", "root"}));
    command
        ->add_option("--expand", o_.expand,
                     "store initramfs images, modules or both uncompressed, so that deltas work "
                     "(default: as in the tree)")
        ->delimiter(',')
        ->check(CLI::IsMember({"initramfs", "modules"}));
    add_locks(*command, c.locks);
    add_waive(*command, o_.waive);
    add_repository(command);
  }

  void add_pack() {
    auto* command =
        add(app_, "pack",
            "put all objects of a pending release into one file, and what changed since "
            "older ones into others",
            "cube-release pack --report --repository /srv/cube",
            [this] { return pack(o_.common, o_.pack); });
    command->add_option("release", o_.pack.release, "its name (default: all that are pending)");
    auto* from = command->add_option("--from", o_.pack.from,
                                     "a release that machines have now; repeat it for more");
    command
        ->add_option("--deltas", o_.pack.deltas,
                     "make deltas from so many of the newest published releases")
        ->check(CLI::Range(0, 7))
        ->excludes(from)
        ->capture_default_str();
    command->add_option("--level", o_.pack.level, "of zstd: 1 is fast, 19 is small (default: 9)")
        ->check(CLI::Range(1, 19));
    command
        ->add_option("--threads", o_.pack.threads,
                     "how many compress (default: one for each processor)")
        ->check(CLI::Range(1, 64));
    command->add_flag("--report", o_.pack.report, "say which folders take how much");
    add_repository(command);
  }

  void add_signing() {
    auto* publish_command =
        add(app_, "publish", "sign and publish all that was composed",
            "cube-release publish --repository /srv/cube --keys /media/usb/keys",
            [this] { return publish(o_.common, o_.list); });
    auto* withdraw_command =
        add(app_, "withdraw", "offer a release to no machine any more",
            "cube-release withdraw CUBE_2.2.4_20220421-1616_55765df7 --repository /srv/cube",
            [this] { return withdraw(o_.common, o_.place, o_.list.draft); });
    withdraw_command->add_option("release", o_.place, "its name")->required();
    withdraw_command->add_option("--draft", o_.list.draft,
                                 "write the list without it to this file, for others to sign "
                                 "(publish --from-draft)");
    add_locks(*publish_command, o_.list.locks);
    add_repository(withdraw_command);
    add_keys(withdraw_command);
    auto* renew_command = add(
        app_, "renew", "sign the metadata anew before it expires, with the keys at hand",
        "cube-release renew --repository /srv/cube", [this] { return renew(o_.common, o_.list); });
    for (auto* command : {publish_command, renew_command}) {
      command->add_option("--expires-days", o_.list.days, "lifetime of the new signatures")
          ->check(CLI::Range(1, 3650));
      auto* draft = command->add_option("--draft", o_.list.draft,
                                        "write the list of releases to this file, for others to "
                                        "sign, and publish nothing");
      command
          ->add_option("--from-draft", o_.list.from_draft,
                       "publish the list in this file, which enough have signed")
          ->excludes(draft);
      add_repository(command);
      add_keys(command);
    }
  }

  void add_plan() {
    auto* plan = app_.add_subcommand("plan", "which share of a fleet may begin, and when")
                     ->require_subcommand(1);
    auto* check = add(*plan, "check", "does a rollout plan make sense?",
                      "cube-release plan check plan.json --repository /srv/cube",
                      [this] { return plan_check(o_.common, o_.plan); });
    auto* set = add(*plan, "set", "sign a rollout plan and publish it",
                    "cube-release plan set plan.json --repository /srv/cube",
                    [this] { return plan_set(o_.common, o_.plan, o_.lifetime); });
    for (auto* command : {check, set}) {
      command->add_option("file", o_.plan.file, "the plan")->required();
      command->add_flag("--site", o_.plan.site, "a site's plan, which narrows the published one");
      add_repository(command);
    }
    set->add_flag("--new-key", o_.plan.new_key,
                  "the role's key at hand is a new one, and signs from now on");
    set->add_option("--expires-days", o_.lifetime, "lifetime of the new signatures")
        ->check(CLI::Range(1, 3650));
    add_keys(set);
  }

  void add_root() {
    auto* command =
        add(app_, "root", "publish the next root: other keys, thresholds, a later expiry",
            "cube-release root --add targets=targets-2 --remove targets=targets",
            [this] { return next_root(o_.common, o_.root, o_.lifetime); });
    command->add_option("--add", o_.root.add, "ROLE=KEY: the key signs for the role from now on");
    command->add_option("--remove", o_.root.remove, "ROLE=KEY: its signature no longer counts");
    command->add_option("--threshold", o_.root.thresholds, "ROLE=N: that many keys must sign");
    command->add_option("--expires-days", o_.lifetime, "lifetime of the root")
        ->check(CLI::Range(1, 36500));
    auto* draft = command->add_option(
        "--draft", o_.root.draft, "write it to this file, for others to sign, and publish nothing");
    command->add_option("--publish", o_.root.publish, "publish the draft in this file")
        ->excludes(draft);
    auto* sign_command =
        add(app_, "sign", "sign a draft, of a root or of a list, that another holder of a key made",
            "cube-release sign root-draft.json --keys /media/usb/keys",
            [this] { return sign(o_.common, o_.place, o_.sign_with); });
    sign_command->add_option("file", o_.place, "the draft; gets the signature")->required();
    sign_command->add_option("--key", o_.sign_with,
                             "sign with this key (default: those at hand that the root names)");
    for (auto* each : {command, sign_command}) {
      add_repository(each);
      add_keys(each);
    }
  }

  void add_reading() {
    auto* verify_command = add(app_, "verify", "check everything as a machine does",
                               "cube-release verify https://updates.example.com/cube",
                               [this] { return verify(o_.common, o_.place, o_.verify); });
    verify_command->add_option("place", o_.place, "folder or URL")->capture_default_str();
    verify_command->add_option(
        "--trusted-root", o_.verify.trusted_root,
        "the root.json in the images (default: the repository's first root)");
    verify_command->add_flag("--quick", o_.verify.quick,
                             "of the trees only the commits, not every object, and no packs");
    auto* check = add(app_, "expire-check", "exit with 6 when a signature expires soon",
                      "cube-release expire-check --days 30 --repository /srv/cube",
                      [this] { return expire_check(o_.common, o_.soon); });
    check->add_option("--days", o_.soon, "what counts as soon")
        ->check(CLI::Range(0, 36500))
        ->capture_default_str();
    auto* listing = add(app_, "list", "releases, published and pending", "cube-release list --json",
                        [this] { return list(o_.common); });
    add_repository(check);
    add_repository(listing);
  }

  void add_inventories() {
    auto* taken = add(app_, "inventory", "what a release or a tree holds",
                      "cube-release inventory CUBE_2.2.4_20220421-1616_55765df7",
                      [this] { return inventory(o_.common, o_.place); });
    taken->add_option("place", o_.place, "a release of the repository, or the folder of a tree")
        ->required();
    auto* command =
        add(app_, "diff", "what one release changes against another, what can hurt first",
            "cube-release diff CUBE_2.2.4_20220421-1616_55765df7 rootfs",
            [this] { return diff(o_.common, o_.diff); });
    command
        ->add_option("from", o_.diff.from, "a release of the repository, or the folder of a tree")
        ->required();
    command->add_option("to", o_.diff.to, "the newer one")->required();
    command->add_option("--html", o_.diff.page, "write a page for a browser to this file");
    add_repository(taken);
    add_repository(command);
  }

  CLI::App& app_;
  Options o_;
  std::vector<Command> commands_;
};

int tell(const Error& error, bool json) {
  const int code = exit_code(error.code);
  if (json)
    fmt::print("{}\n", Json(Json::Object{{"error", error.what}, {"exit_code", code}}).line());
  fmt::print(stderr, "cube-release: {}\n", error.what);
  return code;
}

int run(int argc, char** argv) {
  CLI::App app(about, "cube-release");
  app.footer(footer);
  app.set_version_flag("--version", CUBE_VERSION);
  app.require_subcommand(1);
  Commands commands(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {  // CLI11's way to say "--help" and "wrong usage"
    return app.exit(error) == 0 ? exit_done : exit_usage;
  }
  const auto code = commands.run();
  return code ? *code : tell(code.error(), commands.json());
}

}  // namespace
}  // namespace cube::publish_cli

int main(int argc, char** argv) {
  ::umask(022);  // a repository is read by a web server; private keys get their own, stricter mode
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a failed write, not a death
  return cube::publish_cli::run(argc, argv);
}
