// A configuration from anybody, through the real loader: no crash, no value out of its range, and
// every key told with its value.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>

#include "agent/config.h"
#include "tests/support/scratch_dir.h"

namespace {

// One folder for the whole process.
const cube::ScratchDir& scratch() {
  static const cube::ScratchDir folder;
  return folder;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const cube::RootDir root = scratch().root();
  const std::string folder = "usr/lib/cube-update/config.d";
  if (!root.make_dirs(folder)) std::abort();
  std::ofstream out(scratch().path() + "/" + folder + "/10.toml", std::ios::binary);
  out.write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  if (!out.flush()) std::abort();
  const auto loaded = cube::load_config(root);
  if (!loaded) return 0;
  const cube::Config& config = loaded->config;
  if (config.trial_tries < 1 || config.trial_tries > 9) std::abort();
  if (config.trial_deadline < 10 || config.trial_deadline > 86400) std::abort();
  if (config.health_timeout < 1 || config.health_timeout > 3600) std::abort();
  for (const auto& entry : loaded->entries)
    if (entry.key.empty() || entry.value.empty() || entry.origin.empty()) std::abort();
  return 0;
}
