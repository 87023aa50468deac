// TufClient: the client workflow of the TUF specification 1.0 over one repository. It alone makes
// Verified<T>.
//
// The chain of trust starts at a root that is baked into the image and nowhere else: missing,
// empty, a symlink, writable by others or badly signed means that nothing is ever believed.
// Metadata of earlier runs is read back, verified again and only sets the versions below which
// nothing is accepted; damaged files are ignored. All expiry is judged against one time, fixed at
// open(). Nothing is persisted until everything was verified.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "keys/metadata.h"
#include "keys/metadata_fetcher.h"
#include "keys/verified.h"

namespace cube {

struct TufPlaces {
  std::string trusted_root = "usr/share/cube-update/root.json";  // below the root
  std::string state = "var/lib/cube-update/tuf";                 // below the root
};

class TufClient {
 public:
  // `root` outlives the client. Errors: untrusted (no usable trusted root).
  static Result<TufClient> open(const RootDir& root, UnixSeconds now, TufPlaces places,
                                std::unique_ptr<MetadataFetcher> fetcher);

  // Brings the metadata up to date. Nothing is written before everything was verified; if writing
  // fails, what is on disk is still good for the next run.
  // Errors: untrusted (signature, expiry, version), corrupt (form, length, hash, missing document),
  // unreachable, no_space, failed.
  Status refresh();

  // Names of the releases offered, in byte order; empty before refresh().
  [[nodiscard]] std::vector<std::string> target_names() const;
  // The manifest of a release, exactly as signed.
  // Errors: untrusted (not refreshed), not_found (not offered), corrupt (larger than max_bytes,
  // length, hash, file missing), unreachable, failed.
  Result<Verified<std::string>> target(const std::string& name, std::size_t max_bytes);

 private:
  struct Persisted;
  TufClient(const RootDir& root, UnixSeconds now, TufPlaces places,
            std::unique_ptr<MetadataFetcher> fetcher, Root trusted);

  [[nodiscard]] std::string state_path(const std::string& name) const;
  [[nodiscard]] Persisted read_persisted() const;
  void drop_what_no_longer_counts(Persisted& persisted, const Root& root) const;
  Result<Root> follow_root_chain(const Persisted& persisted);
  Result<Root> next_root(const Root& root, const std::string& text) const;
  Result<Timestamp> fetch_timestamp(const Root& root, const Persisted& persisted);
  Result<Snapshot> fetch_snapshot(const Root& root, const MetaFile& expected,
                                  const Persisted& persisted);
  Result<Targets> fetch_targets(const Root& root, const MetaFile& expected);
  Result<std::string> fetch(const std::string& path, const MetaFile& expected, std::size_t cap);
  Status check_fresh(const Metadata& document, const std::string& name) const;
  [[nodiscard]] Status forget_stolen_versions() const;
  [[nodiscard]] Status persist(const Root& root, const Timestamp& timestamp,
                               const Snapshot& snapshot, const Targets& targets) const;

  const RootDir* root_;
  UnixSeconds now_;
  TufPlaces places_;
  std::unique_ptr<MetadataFetcher> fetcher_;
  Root trusted_;                            // the baked root
  std::shared_ptr<const Targets> targets_;  // after refresh()
};

}  // namespace cube
