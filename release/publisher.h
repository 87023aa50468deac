// Publisher: makes a repository and adds signed releases to it.
//
// A release is added in two steps: add_release() lays its manifest down as pending, seen by nobody;
// publish() signs all that is pending. Everything is signed and read back as a client reads it
// before the first byte is written; timestamp.json is written last, so that an interrupted run
// changes nothing for readers and is mended by the next one. The publisher's own files are in
// publisher/ of the repository; private keys are in a folder outside.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/json.h"
#include "base/progress.h"
#include "base/result.h"
#include "model/release.h"
#include "release/init_options.h"
#include "release/key_folder.h"
#include "release/publication.h"
#include "release/release_repository.h"
#include "release/root_change.h"
#include "release/settings.h"
#include "release/signed_metadata.h"

namespace cube {

struct PackedRelease;
struct PackRequest;

class Publisher {
 public:
  class Delegates;  // release/delegates.h
  // Keys of the roles that are in the key folder are used, the others made. metadata/1.root.json is
  // written last, so that a run that was interrupted can be repeated.
  // Errors: invalid (product, thresholds), refused (a repository already), no_space, failed.
  static Result<Publisher> init(const std::string& path, const InitOptions& options,
                                UnixSeconds now);
  // `keys`: the key folder; "": that of the settings. Errors: invalid (no repository), corrupt.
  // `passphrases`, if any, outlives the publisher.
  static Result<Publisher> open(const std::string& path, const std::string& keys = "",
                                Passphrases* passphrases = nullptr);

  // Errors: invalid (another product; published with another content), corrupt (its commit is not
  // in repo/), nothing_to_do (published already), busy, no_space, failed.
  Status add_release(const Release& release) const;
  // Sorted from old to new. Errors: corrupt, failed.
  [[nodiscard]] Result<std::vector<Release>> pending() const;
  [[nodiscard]] Result<std::vector<Release>> published() const;

  // Packs a pending release (release/packer.h) and names the packs in its manifest. Packs made
  // before are replaced. Errors: nothing_to_do (published), invalid (not pending, options, no such
  // older release), corrupt (repo/), busy, no_space, failed.
  Result<PackedRelease> pack(const std::string& name, const PackRequest& request,
                             const ProgressSink& progress) const;

  // Signs and publishes all that is pending. `days`: lifetime of what is signed; nullopt: that of
  // the settings. Errors: nothing_to_do, untrusted (keys are missing), invalid (a published release
  // would change), corrupt (repository damaged), busy, no_space, failed.
  Result<Publication> publish(UnixSeconds now, std::optional<std::uint64_t> days = {}) const;
  // Publishes the list without that release; a pending one is dropped. Its files stay. No machine
  // is offered it any more; one that has it keeps it. Errors: as publish(), invalid (neither
  // published nor pending).
  Result<Publication> withdraw(const std::string& name, UnixSeconds now) const;
  // Signs the timestamp anew, and the snapshot and the targets where their keys are at hand.
  // Errors: as publish().
  Result<Publication> renew(UnixSeconds now, std::optional<std::uint64_t> days = {}) const;

  // The next list of targets, all that is pending added to it (or nothing, to sign it anew), with
  // the signatures of the keys at hand. Nothing is published. Errors: as publish().
  [[nodiscard]] Result<std::string> draft_targets(UnixSeconds now,
                                                  std::optional<std::uint64_t> days = {},
                                                  bool with_pending = true) const;
  // The same without that release. Errors: as publish(), invalid (not published).
  [[nodiscard]] Result<std::string> draft_withdrawal(const std::string& name,
                                                     UnixSeconds now) const;
  // Publishes a draft that has all its signatures. It must be the published list, with releases
  // that are pending here or without published ones, nothing else. `days` is for what else is
  // signed. Errors: as publish(); invalid (another list or version, expired), corrupt (no list).
  Result<Publication> publish_targets(const std::string& text, UnixSeconds now,
                                      std::optional<std::uint64_t> days = {}) const;

  // The next root (new keys, new thresholds or just a later expiry) with the signatures of the keys
  // at hand. Nothing is published. Errors: those of next_root_body().
  [[nodiscard]] Result<std::string> draft_root(const RootChange& change, UnixSeconds now,
                                               std::optional<std::uint64_t> days = {}) const;
  // Publishes a draft that has all its signatures, and signs anew what its keys sign. That is
  // signed and written before the root, all but timestamp.json; interrupted between those two,
  // machines refuse the repository until renew().
  // Errors: as publish(), and those of check_next_root().
  Result<Publication> publish_root(const std::string& text, UnixSeconds now) const;

  [[nodiscard]] const ReleaseRepository& repository() const { return repository_; }
  [[nodiscard]] const Settings& settings() const { return settings_; }
  [[nodiscard]] const std::string& keys_path() const { return keys_path_; }

 private:
  struct Document;
  struct Anew;
  struct Run;

  Publisher(ReleaseRepository repository, Settings settings, std::string keys_path,
            Passphrases* passphrases)
      : repository_(std::move(repository)),
        settings_(std::move(settings)),
        keys_path_(std::move(keys_path)),
        passphrases_(passphrases) {}

  [[nodiscard]] Result<Fd> lock() const;
  [[nodiscard]] Result<Run> begin(UnixSeconds now, std::optional<std::uint64_t> days) const;
  [[nodiscard]] Result<Document> make_targets(const Run& run, Json::Object targets) const;
  [[nodiscard]] Result<Document> make_meta(const Run& run, const std::string& role,
                                           const std::vector<Document>& described) const;
  // All targets as they were signed, those that are no releases, too.
  [[nodiscard]] static Result<Json::Object> targets_of(const PublishedState& state);
  [[nodiscard]] Result<Anew> make_anew(const Run& run) const;
  // The list of these targets, and what leads to it.
  [[nodiscard]] Result<Anew> make_list(const Run& run, Json::Object targets) const;
  // Up to the step that readers see.
  [[nodiscard]] Status put_and_stage(const Anew& anew) const;
  [[nodiscard]] Status finish(Run& run, const Anew& anew) const;
  // `only`: of what is pending, what it lists; nullptr: all.
  [[nodiscard]] Status add_pending(Run& run, Json::Object& targets,
                                   std::vector<Document>& manifests, const Targets* only) const;
  [[nodiscard]] static Result<Json> list_body(const Run& run, const DocumentHead& head,
                                              Json::Object targets);
  [[nodiscard]] Result<std::string> draft_list(const Run& run, Json::Object targets,
                                               std::uint64_t days) const;
  // Snapshot and timestamp for that list.
  [[nodiscard]] Result<Anew> with_meta(const Run& run, const Document& targets) const;
  [[nodiscard]] Result<Publication> publish_list(Run run, const Anew& anew,
                                                 const std::vector<Document>& manifests) const;
  [[nodiscard]] Error nothing_pending() const;
  [[nodiscard]] Result<Release> pending_to_pack(const std::string& name) const;
  // The releases to make deltas from.
  [[nodiscard]] Result<std::vector<Release>> older_to_pack(const Release& release,
                                                           const PackRequest& request) const;
  [[nodiscard]] Status put_pending(const Release& release) const;
  [[nodiscard]] Status add_packs(const Release& release, Json::Object& targets) const;
  [[nodiscard]] Status drop_pending(const std::vector<Document>& manifests) const;

  ReleaseRepository repository_;
  Settings settings_;
  std::string keys_path_;
  Passphrases* passphrases_;
};

}  // namespace cube
