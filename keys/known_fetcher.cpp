#include "keys/known_fetcher.h"

#include "keys/metadata.h"

namespace cube {
namespace {

constexpr std::string_view metadata_folder = "metadata/", targets_folder = "targets/";

// "12" of "12.snapshot.json"; "" of "timestamp.json".
std::string version_in(const std::string& name) {
  const auto digits = name.find_first_not_of("0123456789");
  const bool numbered = digits != std::string::npos && digits > 0 && name[digits] == '.';
  return numbered ? name.substr(0, digits) : "";
}

}  // namespace

Result<std::string> KnownFetcher::get(const std::string& path, std::size_t max_bytes) {
  if (path.starts_with(targets_folder)) {
    if (manifest_.size() <= max_bytes) return manifest_;
    return Error{Errc::corrupt, path + ": what was kept is too large"};
  }
  if (!path.starts_with(metadata_folder) || path.find('/', metadata_folder.size()) != path.npos)
    return Error{Errc::not_found, path + ": not kept"};
  const std::string file = path.substr(metadata_folder.size());
  const std::string version = version_in(file);
  const std::string name = version.empty() ? file : file.substr(version.size() + 1);
  CUBE_TRY(auto text, root_.read_file(state_ + "/" + name, max_bytes));
  if (name != "root.json") return text;
  // There is one root, the newest; any other number ends the chain.
  const auto root = parse_root(text);
  if (root && std::to_string(root->version) == version) return text;
  return Error{Errc::not_found, path + ": not kept"};
}

}  // namespace cube
