#include "slots/ostree/offered_file.h"

#include "slots/ostree/commit_file.h"
#include "slots/ostree/repository.h"

namespace cube {
namespace {

constexpr const char* scratch_folder = "var/lib/cube-update/look";
// What leads to a file: a commit, and the folders from the top down to its own.
constexpr std::uint64_t max_on_the_way = 64ULL * 1024 * 1024;

Result<std::string> fetch(const RootDir& root, const std::string& commit,
                          const ObjectSource& source, const std::string& path,
                          std::size_t max_bytes, const ProgressSink& progress) {
  CUBE_CHECK(root.make_dirs(scratch_folder, 0700));
  const auto place = root.join(scratch_folder);
  CUBE_TRY(auto repository, Repository::open_archive(place, true));
  const Part part{"/" + path.substr(0, path.find_last_of('/')), max_on_the_way + max_bytes};
  CUBE_CHECK(repository.pull(source, commit, "", progress, &part));
  return file_of_commit(place, commit, path, max_bytes);
}

}  // namespace

Result<std::string> offered_file(const RootDir& root, const std::string& commit,
                                 const ObjectSource& source, const std::string& path,
                                 std::size_t max_bytes, const ProgressSink& progress) {
  CUBE_CHECK(root.remove_tree(scratch_folder));  // of a run that was killed
  auto text = fetch(root, commit, source, path, max_bytes, progress);
  CUBE_CHECK(root.remove_tree(scratch_folder));
  return text;
}

}  // namespace cube
