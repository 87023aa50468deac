// TufClient: the client workflow of the TUF specification 1.0 over one repository. It alone makes
// Verified<T>.
//
// The chain of trust starts at a root that is baked into the image and nowhere else: missing,
// empty, a symlink, writable by others (it or its folder) or badly signed means that nothing is
// ever believed. Metadata of earlier runs is read back and verified again, by the keys that count
// now. It sets the versions below which nothing is accepted, and saves fetching what is still the
// newest; damaged files are ignored. All expiry is judged against one time, fixed at open().
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "base/root_dir.h"
#include "keys/delegation_walk.h"
#include "keys/freshness.h"
#include "keys/metadata.h"
#include "keys/metadata_fetcher.h"
#include "keys/signing.h"
#include "keys/tuf_store.h"
#include "keys/verified.h"

namespace cube {

struct TufPlaces {
  std::string trusted_root = "usr/share/cube-update/root.json";  // below the root
  std::string state = "var/lib/cube-update/tuf";                 // below the root
  TufStore::Writes writes = TufStore::Writes::together;
};

class TufClient {
 public:
  // `root` outlives the client. Errors: untrusted (no usable trusted root).
  static Result<TufClient> open(const RootDir& root, Freshness freshness, TufPlaces places,
                                std::unique_ptr<MetadataFetcher> fetcher);

  // Brings the metadata of the top roles up to date. No document is written before it was verified,
  // and with Writes::together none before all were; if writing fails, what is on disk is still good
  // for the next run.
  // Errors: untrusted (signature, expiry, version), corrupt (form, length, hash, missing document),
  // unreachable (also: no timestamp, so no repository there), no_space, failed.
  Status refresh();

  // Of the documents in use: the top roles in order, then the delegated ones that were asked.
  // Errors: untrusted (not refreshed), failed.
  [[nodiscard]] Result<std::vector<Signing>> signings() const;
  // Expired documents that were accepted, a sentence each.
  [[nodiscard]] const std::vector<std::string>& stale() const { return freshness_.accepted(); }

  // Names of the releases that the targets role, or a role in its name, offers.
  // Errors: untrusted (not refreshed), and those of refresh(), of a delegated role.
  Result<std::set<std::string>> releases();
  // What is signed about a target. Errors: as releases(), not_found (not among the targets).
  Result<TargetFile> find(const std::string& path);
  // Where a target is, below the repository's URL. Errors: as find(), corrupt (its path).
  Result<std::string> place(const std::string& path);
  // A target, exactly as signed.
  // Errors: as find(), corrupt (larger than max_bytes, length, hash, file missing), unreachable.
  Result<Verified<std::string>> target(const std::string& path, std::size_t max_bytes);
  // The same of a target that only `role` may sign, to which the targets role itself delegates.
  // Errors: as target(), untrusted (another role lists it: named).
  Result<Verified<std::string>> target_of(const std::string& role, const std::string& path,
                                          std::size_t max_bytes);

 private:
  struct Persisted;
  template <typename T>
  struct Wanted;
  TufClient(Freshness freshness, TufStore store, std::unique_ptr<MetadataFetcher> fetcher,
            Root trusted);

  [[nodiscard]] Persisted read_persisted() const;
  Result<Root> follow_root_chain(Persisted& persisted);
  Result<Root> next_root(const Root& root, const std::string& text) const;
  Status accept_root(const Root& root, Persisted& persisted);
  Result<Timestamp> obtain_timestamp(const Persisted& persisted);
  Result<Snapshot> obtain_snapshot(const MetaFile& expected, const Persisted& persisted);
  Result<std::shared_ptr<const Targets>> load_delegated(const std::string& delegator_name,
                                                        const Targets& delegator,
                                                        const DelegatedRole& role);
  template <typename T>
  Result<T> obtain(const Wanted<T>& wanted, std::optional<T> kept);
  Result<std::string> fetch(const std::string& path, const MetaFile& expected, std::size_t cap);
  Result<FoundTarget> find_signed(const std::string& path);
  [[nodiscard]] LoadDelegated loader();

  Freshness freshness_;
  TufStore store_;
  std::unique_ptr<MetadataFetcher> fetcher_;
  Root root_;  // the baked one; after refresh() the newest
  // After refresh():
  std::optional<Timestamp> timestamp_;
  std::optional<Snapshot> snapshot_;
  std::shared_ptr<const Targets> targets_;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<const Targets>>
      delegated_;  // by the names of delegator and role
  std::vector<Signing> delegated_signings_;
};

}  // namespace cube
