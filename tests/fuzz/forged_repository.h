// A small signed repository in three generations, and whoever holds its online keys. It remembers
// which key signed what, so that a fuzz target can tell what may be believed without the checks
// that it tests.
//
// Roles: root, timestamp, snapshot; targets, of which two keys must sign, and one has two ids;
// "vendor" for releases/EDGE_*/*, which also describes a release that it may not. The third
// generation brings a second root, which gives the timestamp another key. Consistent snapshots.
#pragma once

#include <array>
#include <map>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/root_dir.h"
#include "keys/metadata_fetcher.h"
#include "tests/support/scratch_dir.h"
#include "tests/support/tuf_signer.h"

namespace cube {

using Documents = std::map<std::string, std::string>;  // by path in the repository

class ForgedRepository {
 public:
  static constexpr const char* ours = "releases/CUBE_1.0_20220401-1200_aaaa/manifest.json";
  static constexpr const char* theirs = "releases/EDGE_1.0_20220401-1200_bbbb/manifest.json";
  static constexpr const char* not_theirs = "releases/CUBE_9.0_20220401-1200_cccc/manifest.json";
  // The root's is not among them: whoever holds it is believed.
  static constexpr std::array<const char*, 8> online_keys{"timestamp", "timestamp two", "snapshot",
                                                          "targets",   "targets again", "second",
                                                          "vendor",    "stranger"};
  // "targets again" is the key "targets" under another id.
  static SigningKey key(const std::string& name);

  ForgedRepository();
  // An appliance with the first root and nothing persisted; forgets what was forged.
  void begin();
  [[nodiscard]] const Documents& generation(std::size_t number) const {
    return generations_.at(number);
  }
  [[nodiscard]] const RootDir& appliance() const { return root_; }
  // The persisted files by name, and a way to put others there.
  [[nodiscard]] Documents state() const;
  [[nodiscard]] std::string state_folder() const {
    return appliance_.path() + "/var/lib/cube-update/tuf";
  }
  [[nodiscard]] std::string baked_root() const {
    return appliance_.path() + "/usr/share/cube-update/root.json";
  }

  // A document with that body and the signatures of those online keys; under the ids of `claimed`
  // stand signatures of the stranger's.
  std::string sign(const Json& body, const std::vector<std::string>& by,
                   const std::vector<std::string>& claimed);
  [[nodiscard]] bool was_signed(const std::string& text, const std::string& by) const;
  // True when a targets document with that key's signature describes a target so.
  [[nodiscard]] bool was_offered(const std::string& path, const std::string& content,
                                 const std::string& by) const;

 private:
  // By name of the key, then by canonical form.
  using Bodies = std::map<std::string, std::map<std::string, Json>>;
  void remember_signers(const std::string& text);

  ScratchDir repository_;
  ScratchDir appliance_;
  RootDir root_;
  TufSigner signer_;
  std::vector<Documents> generations_;
  Bodies published_;
  Bodies forged_;
};

// `signed` of a document; null when there is none.
Json body_of(const std::string& text);

class DocumentFetcher final : public MetadataFetcher {
 public:
  // Both outlive the fetcher.
  DocumentFetcher(const Documents& documents, std::size_t& requests)
      : documents_(documents), requests_(requests) {}
  Result<std::string> get(const std::string& path, std::size_t max_bytes) override;

 private:
  const Documents& documents_;
  std::size_t& requests_;
};

}  // namespace cube
