#include <cstdlib>
#include <filesystem>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "base/clock.h"
#include "base/durable_file.h"
#include "keys/release_channel.h"
#include "slots/ostree/folder_slot.h"

namespace cube::cli {
namespace {

namespace fs = std::filesystem;

// Stands for the machine that will be: it believes the given root and remembers nothing.
class NewMachine {
 public:
  NewMachine() : folder_((fs::temp_directory_path() / "cube-update-XXXXXX").string()) {
    if (::mkdtemp(folder_.data()) == nullptr) folder_.clear();
  }
  ~NewMachine() {
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
  }
  NewMachine(const NewMachine&) = delete;
  NewMachine& operator=(const NewMachine&) = delete;

  Result<RootDir> believe(const std::string& trusted_root, const ChannelConfig& config) {
    if (folder_.empty()) return system_error("temporary folder");
    CUBE_TRY(auto root, RootDir::open(folder_));
    CUBE_TRY(const auto host, RootDir::running_system());
    CUBE_TRY(const auto content, host.read_file(trusted_root, 1024 * 1024));
    CUBE_CHECK(root.make_dirs(fs::path(config.trusted_root).parent_path().string()));
    CUBE_CHECK(replace_file(root, config.trusted_root, content));
    return root;
  }

 private:
  std::string folder_;
};

}  // namespace

Result<int> install_slot(const Common& common, const std::string& folder, const std::string& from,
                         const std::string& release, const std::string& trusted_root) {
  CUBE_TRY(const auto slot, RootDir::open(absolute_place(folder)));
  ChannelConfig config;
  config.url = absolute_place(from);
  config.http.allow_http = true;
  NewMachine machine;
  CUBE_TRY(const auto root, machine.believe(absolute_place(trusted_root), config));
  const SystemClock clock(root);
  CUBE_TRY(auto channel, ReleaseChannel::open(root, clock, config));
  std::string name = release;
  if (name.empty()) {
    CUBE_TRY(const auto names, channel.names());
    if (names.empty()) return Error{Errc::not_found, from + ": the repository offers no release"};
    name = names.back().text;
  }
  CUBE_TRY(const auto verified, channel.release(name));
  Narrator narrator(common.json);
  CUBE_TRY(auto packs, channel.pack_urls(verified.get()));
  CUBE_CHECK(install_in_folder(slot, verified.get(),
                               ObjectSource{channel.object_url(), config.http, std::move(packs)},
                               narrator.progress()));
  narrator.say(name + " is laid out, verified and sealed in " + slot.path());
  narrator.result({{"release", name}, {"folder", slot.path()}});
  return exit_done;
}

}  // namespace cube::cli
