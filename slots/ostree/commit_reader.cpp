#include "slots/ostree/commit_reader.h"

namespace cube {

Result<CommitReader> CommitReader::open(const CommitAt& at) {
  CUBE_TRY(auto reader, ObjectReader::open(at.repository.path()));
  CUBE_TRY(auto copier, FileCopier::open(at.repository));
  return CommitReader(std::move(reader), std::move(copier), at.repository.keeps_owners());
}

Result<DirTree> CommitReader::listing(const TreeFolder* folder) {
  if (folder == nullptr) return DirTree{};
  CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::dirtree, folder->tree}));
  return parse_dirtree(loaded.get());
}

Result<DirTree> CommitReader::top(const std::string& commit) {
  CUBE_TRY(const auto name, parse_sha256(commit));
  CUBE_TRY(const auto loaded, reader_.tree_object({ObjectKind::commit, name}));
  CUBE_TRY(const auto root, parse_commit(loaded.get()));
  return listing(&root);
}

Result<bool> CommitReader::is(const TreeFile& file, const RootDir& folder) {
  CUBE_TRY(const auto difference,
           copier_.difference(file.object, folder, file.name, Reading::cached));
  return difference.empty();
}

Result<std::string> CommitReader::content(const TreeFile& file, const RootDir& scratch) const {
  constexpr const char* name = "merge";
  CUBE_CHECK(scratch.remove_file(name));
  CUBE_CHECK(copier_.copy(file.object, scratch, name));
  auto text = scratch.read_file(name, max_account_table);
  CUBE_CHECK(scratch.remove_file(name));
  return text;
}

Has find(const DirTree& tree, const std::string& name) {
  return {find_name(tree.files, name), find_name(tree.folders, name)};
}

bool same(const Has& one, const Has& two) {
  if ((one.file != nullptr) != (two.file != nullptr) ||
      (one.folder != nullptr) != (two.folder != nullptr))
    return false;
  if (one.file != nullptr) return one.file->object == two.file->object;
  return one.folder == nullptr ||
         (one.folder->tree == two.folder->tree && one.folder->meta == two.folder->meta);
}

DirTree known(Result<DirTree> listing) {
  return listing ? std::move(*listing) : DirTree{};
}

}  // namespace cube
