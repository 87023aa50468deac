// The metadata of a ShareFolder, under the names that it has in a repository.
#include <algorithm>
#include <vector>

#include "agent/share/share_folder.h"
#include "keys/metadata.h"

namespace cube {
namespace {

struct Document {
  std::string name;  // in metadata/
  std::string text;
};

// Of all documents that were believed, those that a client asks for, in the order in which they are
// published.
class Believed {
 public:
  Believed(const RootDir& root, const std::string& folder) : root_(root), folder_(folder) {}

  // Errors: not_found, corrupt (the parts do not belong together), failed.
  Result<std::vector<Document>> documents() const {
    CUBE_TRY(const auto root, parse_root_file());
    CUBE_TRY(const auto timestamp_text, read("timestamp"));
    CUBE_TRY(const auto timestamp, parse_timestamp(timestamp_text));
    CUBE_TRY(const auto snapshot_text, read("snapshot"));
    CUBE_TRY(const auto snapshot, parse_snapshot(snapshot_text));
    CUBE_TRY(const auto targets_text, read("targets"));
    CUBE_TRY(const auto targets, parse_targets(targets_text));
    if (snapshot.version != timestamp.snapshot.version ||
        targets.version != snapshot.targets.version)
      return Error{Errc::corrupt, root_.join(folder_) + ": documents of different times"};
    const auto numbered = [&](const std::string& role, std::uint64_t version) {
      return (root.consistent_snapshot ? std::to_string(version) + "." : "") + role + ".json";
    };
    std::vector<Document> all{{std::to_string(root.version) + ".root.json", root.text}};
    for (const auto& [role, file] : snapshot.delegated) {
      const auto text = is_plain(role) ? read(role) : Error{Errc::not_found, role};
      const auto parsed = text ? parse_targets(*text, role) : Result<Targets>(text.error());
      if (parsed && parsed->version == file.version)
        all.push_back({numbered(role, file.version), *text});
    }
    all.push_back({numbered("targets", targets.version), targets_text});
    all.push_back({numbered("snapshot", snapshot.version), snapshot_text});
    all.push_back({"timestamp.json", timestamp_text});
    return all;
  }

 private:
  // One whose name is its file's.
  static bool is_plain(const std::string& role) {
    return std::all_of(role.begin(), role.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
             c == '-' || c == '_';
    });
  }
  Result<Root> parse_root_file() const {
    CUBE_TRY(const auto text, read("root"));
    return parse_root(text);
  }
  Result<std::string> read(const std::string& role) const {
    return root_.read_file(folder_ + "/" + role + ".json", max_targets_bytes);
  }

  const RootDir& root_;
  const std::string& folder_;
};

}  // namespace

Status ShareFolder::add_metadata() {
  CUBE_TRY(const auto documents, Believed(root_, config_.metadata).documents());
  for (const auto& document : documents)
    CUBE_CHECK(add_text("metadata/" + document.name, document.text));
  // Roots stay: who comes from an older one needs every one in between.
  CUBE_TRY(const auto names, root_.list(below("metadata")));
  for (const auto& name : names) {
    const bool current = std::any_of(documents.begin(), documents.end(),
                                     [&](const Document& one) { return one.name == name; });
    if (!current && !name.ends_with(".root.json"))
      CUBE_CHECK(root_.remove_file(below("metadata/" + name)));
  }
  return ok();
}

}  // namespace cube
