#include "slots/ostree/commit_file.h"

#include <vector>

#include "slots/ostree/glib.h"
#include "slots/ostree/repository.h"

namespace cube {
namespace {

Result<std::string> whole(GInputStream* stream, const std::string& path, std::size_t max_bytes) {
  std::string content;
  std::vector<char> block(64 * 1024);
  for (;;) {
    glib::ErrorOut error;
    const auto count =
        g_input_stream_read(stream, block.data(), block.size(), nullptr, error.out());
    if (count < 0) return error.translate(path);
    if (count == 0) return content;
    content.append(block.data(), static_cast<std::size_t>(count));
    if (content.size() > max_bytes)
      return Error{Errc::corrupt, path + ": more than " + std::to_string(max_bytes) + " bytes"};
  }
}

}  // namespace

Result<std::string> file_of_commit(const std::string& repository, const std::string& commit,
                                   const std::string& path, std::size_t max_bytes) {
  CUBE_TRY(const auto opened, Repository::open_archive(repository, false));
  glib::ErrorOut error;
  GFile* raw_root = nullptr;
  if (!ostree_repo_read_commit(opened.native(), commit.c_str(), &raw_root, nullptr, nullptr,
                               error.out()))
    return error.translate("commit " + commit);
  const glib::Object<GFile> root(raw_root);
  const glib::Object<GFile> file(g_file_resolve_relative_path(root.get(), path.c_str()));
  if (g_file_query_file_type(file.get(), G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, nullptr) !=
      G_FILE_TYPE_REGULAR)
    return Error{Errc::not_found, "commit " + commit + ": has no file " + path};
  const glib::Object<GFileInputStream> stream(g_file_read(file.get(), nullptr, error.out()));
  if (!stream) return error.translate(path);
  return whole(G_INPUT_STREAM(stream.get()), path, max_bytes);
}

}  // namespace cube
