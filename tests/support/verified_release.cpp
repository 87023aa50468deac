#include "tests/support/verified_release.h"

#include <stdexcept>

#include "base/digest.h"
#include "keys/release_channel.h"
#include "model/manifest.h"
#include "tests/support/fixed_clock.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tuf_signer.h"

namespace cube {
namespace {

constexpr const char* old_name = "CUBE_2.2.3_20220401-1200_aaaa1111";
constexpr const char* new_name = "CUBE_2.2.4_20220421-1616_55765df7";

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(result).value();
}

struct Pair {
  Verified<Release> older;
  Verified<Release> newer;
};

Pair make_pair_of_releases() {
  const ScratchDir folder;
  const ScratchDir appliance;
  const auto root = appliance.root();
  const FixedClock clock("2026-08-01T00:00:00Z");
  TufSigner signer(folder.path());
  for (const std::string name : {old_name, new_name}) signer.add_release(name, manifest_of(name));
  signer.publish();
  signer.bake_root(appliance.path());
  ChannelConfig config;
  config.url = folder.path();
  auto channel = value_of(ReleaseChannel::open(root, clock, config));
  return {value_of(channel.release(old_name)), value_of(channel.release(new_name))};
}

const Pair& pair_of_releases() {
  static const Pair both = make_pair_of_releases();
  return both;
}

}  // namespace

const Verified<Release>& old_release() {
  return pair_of_releases().older;
}
const Verified<Release>& new_release() {
  return pair_of_releases().newer;
}

std::string manifest_of(const std::string& release, std::uint64_t epoch) {
  Release made;
  made.name = value_of(ReleaseName::parse(release));
  made.epoch = epoch;
  made.commit = to_hex(sha256("tree of " + release));
  made.tree_bytes = 1000000;
  made.tree_inodes = 1000;
  made.kernel_release = "5.10.0-13-amd64";
  return render_manifest(made);
}

}  // namespace cube
