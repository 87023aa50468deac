// TufSigner: writes a whole signed repository into a folder, good by default and wrong in exactly
// the ways a test asks for. For tests only: its private keys are made from their names.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json.h"

namespace cube {

class SigningKey {
 public:
  // `note` becomes an unknown member of the key object: the same key under another id.
  explicit SigningKey(std::string name, std::string note = "");
  [[nodiscard]] Json object() const;
  [[nodiscard]] std::string id() const;
  [[nodiscard]] std::string sign(std::string_view message) const;  // 64 bytes

 private:
  std::string name_;
  std::string note_;
};

class TufSigner {
 public:
  struct Role {
    std::vector<SigningKey> keys;
    std::uint64_t threshold = 1;
    std::uint64_t version = 1;
    std::string expires = "2030-01-01T00:00:00Z";
    std::vector<SigningKey> signers;          // empty: `keys`
    std::function<void(Json::Object&)> edit;  // the `signed` part before it is signed
    std::function<void(std::string&)> spoil;  // the finished document before it is written
  };

  // One key for each role, named after it.
  explicit TufSigner(std::string folder);

  Role& role(const std::string& name) { return roles_.at(name); }
  // `by` is the role that describes it: "targets", or one that was delegated to.
  void add_release(const std::string& name, const std::string& manifest,
                   const std::string& by = "targets") {
    releases_[name] = {manifest, by, {}};
  }
  // Another file of a release that was added, "full.pack", by the same role.
  void add_file(const std::string& release, const std::string& file, const std::string& content) {
    releases_.at(release).files[file] = content;
  }
  // A target beside the releases: "fleet/plan.json".
  void add_document(const std::string& path, const std::string& content, const std::string& by) {
    documents_[path] = {content, by};
  }
  void withdraw(const std::string& name) { releases_.erase(name); }
  // A role, with a key named after it, to which the targets role delegates those paths.
  void delegate(const std::string& role, const std::vector<std::string>& paths);
  // All metadata and manifests as they are now; documents of other versions stay.
  void publish() const;
  // As publish(), with higher versions of everything but the root.
  void publish_again();
  // The present root as the trusted root of the appliance laid out in `folder`.
  void bake_root(const std::string& folder) const;

  [[nodiscard]] std::string root_text() const;
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  struct Release {
    std::string manifest;
    std::string by;
    std::map<std::string, std::string> files{};
  };
  [[nodiscard]] std::string document(const std::string& role, Json::Object body) const;
  [[nodiscard]] Json described(const std::string& role, const std::string& text) const;
  [[nodiscard]] Json files_of(const std::string& role) const;
  [[nodiscard]] Json delegations() const;
  void write(const std::string& path, const std::string& text) const;

  std::string folder_;
  std::map<std::string, Role> roles_;
  std::map<std::string, Release> releases_;
  std::map<std::string, std::pair<std::string, std::string>> documents_;  // content and role
  std::vector<std::pair<std::string, Json::Array>> delegated_;            // role and paths
};

}  // namespace cube
