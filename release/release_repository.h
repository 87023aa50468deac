// ReleaseRepository: the folder that readers see (docs/formats/repository.md), as its publisher
// reads and writes it.
//
// What is written is whole and durable before the next file begins, and nothing that a reader may
// have seen ever changes, except timestamp.json, which is replaced in one step. So a reader sees
// the state before or after, never between. What was published is read back as strictly as a
// client does, expiry aside, and must be what the publisher itself signed last: a state that is
// damaged, tampered with or signed by others, with whatever keys, is never signed anew.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"
#include "keys/metadata.h"

namespace cube {

// What timestamp.json leads to.
struct PublishedState {
  Timestamp timestamp;
  Snapshot snapshot;
  Targets targets;
};

class ReleaseRepository {
 public:
  // Lays out an empty one; a folder already there is fine. Errors: no_space, failed.
  static Result<ReleaseRepository> create(const std::string& path);
  // Errors: invalid (not a repository).
  static Result<ReleaseRepository> open(const std::string& path);

  // All roots from 1 on, each checked against its predecessor and itself; at least one.
  // Errors: corrupt, untrusted, failed.
  [[nodiscard]] Result<std::vector<Root>> roots() const;
  // What timestamp.json leads to; after a run that ended between a new root and timestamp.json,
  // what that run was about to publish. nullopt: nothing was published yet. Errors: corrupt
  // (damaged, or not what was signed here last), untrusted (not signed by the keys of the newest
  // root), failed.
  [[nodiscard]] Result<std::optional<PublishedState>> published() const;
  // The document of a role that `state` describes and its targets role delegates to, checked, and
  // one that it lists. nullopt: no such role, or it lists no such path. Errors: as published().
  [[nodiscard]] Result<std::optional<Targets>> delegated(const PublishedState& state,
                                                         const std::string& role) const;
  [[nodiscard]] Result<std::optional<std::string>> listed(const Targets& list,
                                                          const std::string& path,
                                                          std::size_t max_bytes) const;
  // The manifest of a published release, checked. Errors: corrupt, failed.
  [[nodiscard]] Result<std::string> manifest(const std::string& name, const TargetFile& file) const;
  // One more than any version of that role on disk, published or left by an interrupted run.
  // Errors: failed.
  [[nodiscard]] Result<std::uint64_t> next_version(const std::string& role) const;
  // True when that file is there with exactly this text.
  [[nodiscard]] bool has_metadata(const std::string& role, std::uint64_t version,
                                  const std::string& text) const;
  // Ok when the commit object is in repo/ and has that checksum. Errors: corrupt, failed.
  [[nodiscard]] Status check_commit(const std::string& commit) const;

  // metadata/VERSION.ROLE.json. Errors: bug (a file that is there), no_space, failed.
  Status put_metadata(const std::string& role, std::uint64_t version,
                      const std::string& text) const;
  // Notes the timestamp that is about to be put. Errors: no_space, failed.
  Status stage_timestamp(const std::string& text) const;
  // metadata/timestamp.json: the step that readers see. It must be staged. Errors: no_space,
  // failed.
  Status put_timestamp(const std::string& text) const;
  // targets/FOLDER/HASH.NAME for "FOLDER/NAME". Errors: no_space, failed.
  Status put_document(const std::string& path, const std::string& text) const;
  // targets/releases/NAME/HASH.manifest.json. Errors: no_space, failed.
  Status put_manifest(const std::string& name, const std::string& text) const;

  [[nodiscard]] const RootDir& folder() const { return folder_; }
  [[nodiscard]] const std::string& path() const { return folder_.path(); }
  [[nodiscard]] std::string object_path() const { return folder_.join("repo"); }

 private:
  explicit ReleaseRepository(RootDir folder) : folder_(std::move(folder)) {}
  [[nodiscard]] Result<std::string> read(const std::string& file, std::size_t max_bytes,
                                         const MetaFile& expected) const;
  [[nodiscard]] Result<std::optional<std::string>> served_timestamp() const;
  // All that a timestamp leads to, checked by one root.
  [[nodiscard]] Result<PublishedState> state_of(const std::string& timestamp,
                                                const Root& root) const;
  RootDir folder_;
};

// True when `path` is the folder of a repository.
[[nodiscard]] bool is_repository(const std::string& path);

}  // namespace cube
