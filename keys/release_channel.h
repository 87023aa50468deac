// ReleaseChannel: the releases that a repository offers, each verified (metadata by TufClient, the
// manifest's bytes against the targets role, its fields by model/manifest.h).
//
// A repository (docs/formats/repository.md) is a folder or a URL: metadata/,
// targets/releases/NAME/, repo/.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/http/http_client.h"
#include "base/http/mirrors.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "keys/signing.h"
#include "keys/verified.h"
#include "model/release.h"

namespace cube {

struct ChannelConfig {
  std::string url;  // https://, http:// (only if http.allow_http), file:///... or an absolute path
  HttpConfig http;
  // A time that is certainly past, as the running release's build time. Expiry is judged by the
  // latest of it, the clock, and the time of the last refresh that succeeded.
  UnixSeconds not_before = 0;
  std::string trusted_root = "usr/share/cube-update/root.json";  // below the root; baked in
  std::string state = "var/lib/cube-update/tuf";  // below the root; persisted metadata
  // An operator's explicit wish: what has expired is believed all the same. Nothing else changes:
  // signatures, the chain of roots and versions count as ever.
  bool accept_stale = false;
  bool remember = true;  // false: nothing is persisted
  // Asked for the metadata when the repository is out of reach; null: nobody is. What they give is
  // judged as the repository's own. They can hold back what is newer, until what they have expires.
  std::shared_ptr<Mirrors> mirrors{};
};

class ReleaseChannel {
 public:
  // `root` and `clock` outlive the channel. Errors: untrusted (no usable trusted root), invalid
  // (URL).
  static Result<ReleaseChannel> open(const RootDir& root, const Clock& clock, ChannelConfig config);
  // The repository as this machine knows it, when it is out of reach: the metadata that was
  // believed last, verified again, and the bytes of one release's manifest. Downloads and persists
  // nothing; expiry as Freshness::since(). After two rotations that replaced all of root's keys the
  // chain to the baked root is no longer at hand: untrusted. Errors: as open().
  static Result<ReleaseChannel> open_known(const RootDir& root, const Clock& clock,
                                           ChannelConfig config, std::string manifest);
  ReleaseChannel(ReleaseChannel&&) noexcept;
  ReleaseChannel& operator=(ReleaseChannel&&) noexcept;
  ~ReleaseChannel();

  // Brings the metadata up to date, at most once in an object's life; everything is persisted
  // together after everything was verified. From a mirror if the repository is out of reach, which
  // the log then says. Errors: untrusted (also: damaged), unreachable, failed.
  Status refresh();
  // Names of all releases offered, by the targets role or by roles that it delegates to, sorted
  // from old to new. Refreshes first. Errors: as refresh().
  Result<std::vector<ReleaseName>> names();
  // The manifest of the release of that name, exactly as signed. Refreshes first.
  // Errors: as refresh(), not_found (not offered).
  Result<Verified<std::string>> manifest(const std::string& name);
  // What that manifest says. Errors: untrusted (a manifest without sense).
  [[nodiscard]] Result<Verified<Release>> read_release(const Verified<std::string>& manifest,
                                                       const std::string& name) const;
  // Both at once.
  // Errors: as refresh() (untrusted: also a manifest without sense), not_found (not offered).
  Result<Verified<Release>> release(const std::string& name);

  // A document beside the releases, exactly as `role` signed it, to which the targets role
  // delegates. Refreshes first. Errors: as refresh() (untrusted: also another role lists it),
  // not_found (nobody does).
  Result<Verified<std::string>> document(const std::string& role, const std::string& path,
                                         std::size_t max_bytes);

  // Who answers for the metadata, and until when. Refreshes first. Errors: as refresh().
  Result<std::vector<Signing>> signings();
  // Expired documents that were accepted so far, a sentence each.
  [[nodiscard]] const std::vector<std::string>& stale() const;

  // Where each pack of a release is, in their order; "": the repository signs no such pack. What
  // comes from there is proved by the manifest alone. Refreshes first. Errors: as refresh().
  Result<std::vector<std::string>> pack_urls(const Release& release);
  // Where the manifest of that name is. Refreshes first. Errors: as manifest().
  Result<std::string> manifest_url(const std::string& name);
  // The repository's, without a '/' at its end.
  [[nodiscard]] const std::string& url() const;
  // Where libostree finds the objects: URL of the repo/ folder, blanks and the like as %20.
  [[nodiscard]] std::string object_url() const;

 private:
  struct State;
  Status ask_mirrors(Error unreachable);
  explicit ReleaseChannel(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube
