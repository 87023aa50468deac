#include "release/verifier.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "base/digest.h"
#include "base/durable_file.h"
#include "base/file_url.h"
#include "base/http/http_client.h"
#include "base/root_dir.h"
#include "keys/metadata.h"
#include "keys/release_channel.h"
#include "model/fleet/plan.h"
#include "release/packer.h"
#include "release/release_repository.h"
#include "slots/ostree/compose/compose.h"

namespace cube {
namespace {

constexpr std::size_t max_commit_bytes = 1024 * 1024;

// The root folder of a machine that has only its trusted root; goes with its object.
class FreshMachine {
 public:
  static Result<FreshMachine> make(const std::string& trusted_root) {
    std::error_code error;
    std::string path = std::filesystem::temp_directory_path(error) / "cube-release-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return system_error("make temporary folder " + path);
    CUBE_TRY(auto root, RootDir::open(path));
    FreshMachine machine(std::move(root));
    CUBE_CHECK(machine.root_.make_dirs("usr/share/cube-update"));
    CUBE_CHECK(machine.root_.make_dirs("var/lib/cube-update/tuf"));
    CUBE_CHECK(replace_file(machine.root_, "usr/share/cube-update/root.json", trusted_root));
    return machine;
  }
  FreshMachine(FreshMachine&& other) noexcept
      : root_(std::move(other.root_)), owned_(std::exchange(other.owned_, false)) {}
  FreshMachine& operator=(FreshMachine&&) = delete;
  FreshMachine(const FreshMachine&) = delete;
  FreshMachine& operator=(const FreshMachine&) = delete;
  ~FreshMachine() {
    std::error_code ignored;  // a temporary folder; what is left is the system's to clean up
    if (owned_) std::filesystem::remove_all(root_.path(), ignored);
  }

  [[nodiscard]] const RootDir& root() const { return root_; }

 private:
  explicit FreshMachine(RootDir root) : root_(std::move(root)) {}
  RootDir root_;
  bool owned_ = true;
};

Result<std::string> trusted_root_text(const std::string& url, const VerifyOptions& options,
                                      const HttpConfig& http) {
  if (options.trusted_root.empty()) {
    auto text = HttpClient(http).get(url + "/metadata/1.root.json", max_metadata_bytes);
    if (!text && text.error().code == Errc::not_found)
      return Error{Errc::invalid, "repository " + url +
                                      ": has no metadata/1.root.json, so it is no repository; "
                                      "name its folder or URL"};
    return text;
  }
  const std::filesystem::path file = options.trusted_root;
  CUBE_TRY(const auto folder, RootDir::open(file.has_parent_path() ? file.parent_path() : "."));
  auto text = folder.read_file(file.filename(), max_metadata_bytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::invalid, "trusted root " + options.trusted_root +
                                    ": does not exist; name the root.json that is in the images"};
  return text;
}

Status check_commit(const ReleaseChannel& channel, const Release& release, const HttpConfig& http) {
  const std::string object = channel.object_url() + "/objects/" + release.commit.substr(0, 2) +
                             "/" + release.commit.substr(2) + ".commit";
  const auto bytes = HttpClient(http).get(object, max_commit_bytes);
  const std::string where = "release " + release.name.text + ": its commit " + object;
  if (!bytes && bytes.error().code == Errc::not_found)
    return Error{Errc::corrupt, where + " is missing; restore repo/ from your copy"};
  if (!bytes) return Error(bytes.error()).in("release " + release.name.text);
  if (to_hex(sha256(*bytes)) == release.commit) return ok();
  return Error{Errc::corrupt, where + " is damaged; restore repo/ from your copy"};
}

Status check_trees(const std::string& place, const std::vector<Release>& releases) {
  CUBE_TRY(const auto objects, ArchiveRepository::open(place + "/repo"));
  for (const auto& release : releases) {
    auto whole = objects.verify_commit(release.commit);
    if (!whole) return std::move(whole).error().in("release " + release.name.text);
  }
  return ok();
}

// What the targets role signed for a release, its packs have to be listed with it.
Status check_packs(const std::string& place, const std::vector<Release>& releases) {
  CUBE_TRY(const auto repository, ReleaseRepository::open(place));
  CUBE_TRY(const auto state, repository.published());
  if (!state) return ok();
  for (const auto& release : releases)
    for (const auto& pack : release.packs) {
      const auto target = "releases/" + release.name.text + "/" + pack.file;
      const auto found = state->targets.files.find(target);
      const bool own = state->targets.releases.count(release.name.text) != 0;
      if (own && (found == state->targets.files.end() || found->second.sha256 != pack.sha256))
        return Error{Errc::corrupt, "target " + target +
                                        ": is not what the release says; publish "
                                        "the release again under another name"};
      CUBE_CHECK(verify_pack(repository.folder(), release, pack));
    }
  return ok();
}

// Plans, where there are any, as a machine reads them.
Status check_plans(ReleaseChannel& channel) {
  using namespace fleet;
  const auto text = channel.document(plan_role, plan_target, max_plan_bytes);
  if (!text && text.error().code != Errc::not_found) return text.error();
  const auto site = channel.document(site_role, site_target, max_plan_bytes);
  if (!site && site.error().code != Errc::not_found) return site.error();
  if (!text) return ok();
  CUBE_TRY(auto plan, read_plan(text->get()));
  if (!site) return ok();
  CUBE_TRY(const auto narrowing, read_site_plan(site->get()));
  CUBE_TRY(plan, narrow(std::move(plan), narrowing));
  return ok();
}

Status check_published(const std::string& place) {
  if (place.empty() || place[0] != '/') return ok();  // a URL: the client finds out
  std::error_code ignored;
  if (std::filesystem::exists(place + "/metadata/timestamp.json", ignored)) return ok();
  CUBE_TRY(const auto metadata, RootDir::open(place + "/metadata"));
  CUBE_TRY(const auto files, metadata.list("."));
  for (const auto& file : files)
    if (file.find(".targets.json") != std::string::npos)
      return Error{Errc::corrupt, place + "/metadata/timestamp.json: is missing; publish or renew"};
  return Error{Errc::nothing_to_do,
               "repository " + place + ": nothing is published yet; compose and publish a release"};
}

}  // namespace

Result<VerifiedRepository> verify_repository(const std::string& place, const VerifyOptions& options,
                                             const Clock& clock) {
  ChannelConfig config;
  config.url = place;
  config.http.allow_http = true;  // everything is signed; nothing here is secret
  const std::string url = !place.empty() && place[0] == '/' ? file_url(place) : place;
  CUBE_TRY(const auto root_text, trusted_root_text(url, options, config.http));
  CUBE_CHECK(check_published(place));
  CUBE_TRY(const auto machine, FreshMachine::make(root_text));
  CUBE_TRY(auto channel, ReleaseChannel::open(machine.root(), clock, config));
  CUBE_TRY(const auto names, channel.names());
  VerifiedRepository verified;
  for (const auto& name : names) {
    CUBE_TRY(const auto release, channel.release(name.text));
    CUBE_CHECK(check_commit(channel, release.get(), config.http));
    verified.releases.push_back(release.get());
  }
  CUBE_CHECK(check_plans(channel));
  if (place[0] == '/' && !options.quick) {
    CUBE_CHECK(check_trees(place, verified.releases));
    CUBE_CHECK(check_packs(place, verified.releases));
  }
  CUBE_TRY(verified.signings, channel.signings());
  return verified;
}

}  // namespace cube
