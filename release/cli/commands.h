// The commands of cube-release, one function each: they print what they did and return the exit
// code. With `json` they print one JSON object on one line instead of text.
// Errors of all: those of the Publisher, KeyFolder or verifier function that does the work.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "insight/inventory/inventory.h"
#include "release/composer.h"
#include "release/passphrase.h"
#include "release/verifier.h"

namespace cube {
struct Publication;
}

namespace cube::publish_cli {

struct Common {
  bool json = false;
  std::string repository = ".";  // a folder
  std::string keys;              // the key folder; "": that of the repository
  Passphrases* passphrases = nullptr;
};

struct InitCommand {
  std::string folder;
  std::string product;
  std::uint64_t root_keys = 3;
  std::optional<std::uint64_t> root_threshold;
  bool protect = false;
};

struct KeyCommand {
  std::string name;
  std::string source;  // of import: a file or a pkcs11: URI
  std::string type = "ed25519";
  bool protect = false;
};

struct ListCommand {  // publish, renew
  std::optional<std::uint64_t> days;
  std::string draft;       // file to write the list to, instead of publishing it
  std::string from_draft;  // file with a finished draft
  std::string locks;       // of publish: file with the rules; "": the repository's
};

// How a release is waived, as compose has it on its command line.
struct WaiveOptions {
  std::vector<std::string> ids;
  std::string reason, until;
};

struct RotateCommand {
  std::string role;
  std::string old_key;  // "": the only key of the role
  std::string new_key;  // "": a new one is made
  bool protect = false;
  std::string draft;  // file to write the new root to, instead of publishing it
};

struct PackCommand {
  std::string release;            // "": all that are pending
  std::vector<std::string> from;  // names of older releases; empty: the newest published ones
  std::size_t deltas = 2;         // how many of those
  std::optional<int> level;
  unsigned threads = 0;  // 0: one for each processor
  bool report = false;
};

struct PlanCommand {
  std::string file;
  bool site = false;     // a site's plan, which narrows the published one
  bool new_key = false;  // another key signs for the role from now on
};

struct RootCommand {  // each "ROLE=VALUE"
  std::vector<std::string> add;
  std::vector<std::string> remove;
  std::vector<std::string> thresholds;
  std::string draft;    // file to write the new root to, instead of publishing it
  std::string publish;  // file with a finished draft
};

struct DiffCommand {  // each a release of the repository, or the folder of a tree
  std::string from, to;
  std::string page;  // file to write HTML to; "": none
};

Result<int> init(const Common& common, const InitCommand& command);
Result<int> key_generate(const Common& common, const KeyCommand& command);
Result<int> key_import(const Common& common, const KeyCommand& command);
Result<int> key_list(const Common& common);
Result<int> compose(const Common& common, const ComposeRequest& request, const WaiveOptions& waive);
Result<int> pack(const Common& common, const PackCommand& command);
Result<int> publish(const Common& common, const ListCommand& command);
Result<int> withdraw(const Common& common, const std::string& release, const std::string& draft);
Result<int> renew(const Common& common, const ListCommand& command);
// Whether a rollout plan makes sense, here and now.
Result<int> plan_check(const Common& common, const PlanCommand& command);
// Signs and publishes one that does.
Result<int> plan_set(const Common& common, const PlanCommand& command,
                     std::optional<std::uint64_t> days);
Result<int> next_root(const Common& common, const RootCommand& command,
                      std::optional<std::uint64_t> days);
Result<int> key_rotate(const Common& common, const RotateCommand& command,
                       std::optional<std::uint64_t> days);
Result<int> key_revoke(const Common& common, const std::string& name, const std::string& draft,
                       std::optional<std::uint64_t> days);
// Signs a draft of a root with `keys`, or with those at hand that the new root names; or a draft of
// targets, with those at hand that the repository's root names.
Result<int> sign(const Common& common, const std::string& file,
                 const std::vector<std::string>& keys);
// `place`: a folder or a URL.
Result<int> verify(const Common& common, const std::string& place, const VerifyOptions& options);
// Exit code 6 when something expires within `days`.
Result<int> expire_check(const Common& common, std::uint64_t days);
Result<int> list(const Common& common);
// `place`: a release of the repository, or the folder of a tree.
Result<int> inventory(const Common& common, const std::string& place);
Result<int> diff(const Common& common, const DiffCommand& command);

// Of a release of the repository, the folder of a tree, or a file. Errors: those of
// release/release_inventory.h.
Result<insight::Inventory> inventory_of(const Common& common, const std::string& place);

// The absolute path of a folder, without "." and without a slash at its end. Errors: failed.
Result<std::string> absolute_folder(const std::string& path);
// --keys, or the key folder of the repository at hand. Errors: invalid (neither).
Result<std::string> key_folder(const Common& common);
// Tells what was published and signed, and the new key if there is one; the exit code.
int report(const Common& common, const Publication& done, const std::string& new_key = "");
// The time of this machine. Errors: failed.
Result<UnixSeconds> wall_clock();
// "1.9 GB", "310 kB".
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

}  // namespace cube::publish_cli
