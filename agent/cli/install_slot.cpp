#include <filesystem>

#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "base/clock.h"
#include "keys/release_channel.h"
#include "slots/ostree/folder_slot.h"

namespace cube::cli {
namespace {

std::string absolute(const std::string& path) {
  if (path.find("://") != std::string::npos) return path;
  std::error_code ignored;
  return std::filesystem::absolute(path, ignored).lexically_normal().string();
}

}  // namespace

Result<int> install_slot(const Common& common, const std::string& folder, const std::string& from,
                         const std::string& release, const std::string& trusted_root) {
  CUBE_TRY(const auto host, RootDir::running_system());
  CUBE_TRY(const auto slot, RootDir::open(absolute(folder)));
  const SystemClock clock(host);
  ChannelConfig config;
  config.url = absolute(from);
  config.http.allow_http = true;
  config.trusted_root = absolute(trusted_root);
  config.state.clear();  // nothing is remembered: the machine that will be is not this one
  CUBE_TRY(auto channel, ReleaseChannel::open(host, clock, config));
  std::string name = release;
  if (name.empty()) {
    CUBE_TRY(const auto names, channel.names());
    if (names.empty()) return Error{Errc::not_found, from + ": the repository offers no release"};
    name = names.back().text;
  }
  CUBE_TRY(const auto verified, channel.release(name));
  Narrator narrator(common.json);
  CUBE_CHECK(install_in_folder(slot, verified.get(), ObjectSource{channel.object_url()},
                               narrator.progress()));
  narrator.say(name + " is laid out, verified and sealed in " + slot.path());
  narrator.result({{"release", name}, {"folder", slot.path()}});
  return exit_done;
}

}  // namespace cube::cli
