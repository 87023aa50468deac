// FolderAppliance: a whole appliance laid out in a folder, with a signed repository beside it, driven
// through the real program as an operator and a boot loader would.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "model/release.h"
#include "tests/support/grub_loader.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tuf_signer.h"

namespace cube {

class FolderAppliance {
 public:
  static constexpr const char* older = "CUBE_2.2.3_20220401-1200_aaaa1111";
  static constexpr const char* newer = "CUBE_2.2.4_20220421-1616_55765df7";

  struct Ran {
    int exit_code = -1;
    std::string output;
  };

  // Publishes both releases, installs the older one in slot a and starts it.
  FolderAppliance();

  // cube-update COMMAND... --root ROOT
  [[nodiscard]] std::vector<std::string> command_line(std::vector<std::string> command) const;
  // What it is run with: nothing of the test's own environment but the mutation under test.
  [[nodiscard]] static std::vector<std::string> environment();
  [[nodiscard]] Ran run(std::vector<std::string> command) const;
  [[nodiscard]] Ran apply() const { return run({"apply", "--no-reboot"}); }
  [[nodiscard]] Ran commit() const { return run({"commit"}); }
  // `status --json`; a failed status is an exception.
  [[nodiscard]] Json status() const;
  // A member of status(): "phase", "booted", "fallback".
  [[nodiscard]] std::string status_text(const std::string& member) const;

  // The release that a slot's seal names; "" without one.
  [[nodiscard]] std::string sealed_release(const std::string& slot) const;
  // What the loader would start now: its turn on a copy of its records.
  [[nodiscard]] Started would_start() const;

  // As after an earlier update: both slots hold the older release.
  void copy_slot_a_to_b() const;

  // The machine restarts: the loader's turn, then `resume` as the boot's first unit.
  Started start();
  // The loader's turn only.
  Started start_loader() { return loader().start(); }

  // The repository that it updates from, and its publisher. `write_config` replaces the appliance's.
  [[nodiscard]] std::string repository() const { return dir_.path() + "/repository"; }
  TufSigner& signer() { return signer_; }
  // A release of this name with the content of `newer`; published by signer().publish_again().
  void offer(const std::string& name, std::uint64_t epoch, std::uint64_t tree_bytes = 0);
  // The newer release gets a delta from the older one, besides its full pack.
  void add_delta();
  // The file of the newer release in the repository: "delta.pack".
  [[nodiscard]] std::filesystem::path published(const std::string& file) const;
  // From now on objects come from the plain repository alone.
  void take_packs_away() const;
  void write_config(const std::string& source, const std::string& more = "") const;

  // The root as it is now, to go back to it.
  void keep() const;
  void restore() const;
  // Path -> mode and content of everything in a slot's folder.
  [[nodiscard]] std::map<std::string, std::string> tree(const std::string& slot) const;
  [[nodiscard]] std::string root() const { return dir_.path() + "/root"; }

 private:
  void publish();
  GrubLoader& loader() { return loader_; }

  ScratchDir dir_;
  TufSigner signer_{dir_.path() + "/repository"};
  std::string older_commit_;
  Release newer_;
  std::string newer_pack_;  // the bytes of its full pack
  GrubLoader loader_{dir_.path() + "/root"};
};

// Whether the boot loader's records offer a trial, as `status --json` says.
[[nodiscard]] bool offers_trial(const Json& status);

}  // namespace cube
