#include "slots/ostree/compose/compose.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "slots/ostree/compose/member_write.h"
#include "slots/ostree/compose/unpack.h"
#include "slots/ostree/glib.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using glib::ErrorOut;

// Owned by the running system or by us; only the folder itself is part of a release.
const std::set<std::string>& emptied() {
  static const std::set<std::string> folders{"/proc", "/sys", "/dev", "/run", "/tmp"};
  return folders;
}

struct Choice {
  bool keep_owners;
  std::set<std::string> replaced;  // paths of the tree that get other bytes and are added later
};

// libostree asks this for every path ("/usr/bin/true").
OstreeRepoCommitFilterResult filter(OstreeRepo*, const char* path, GFileInfo* info, gpointer data) {
  const auto& choice = *static_cast<const Choice*>(data);
  if (is_left_out_of_release(path) || choice.replaced.count(path) != 0)
    return OSTREE_REPO_COMMIT_FILTER_SKIP;
  if (!choice.keep_owners) {
    g_file_info_set_attribute_uint32(info, "unix::uid", 0);
    g_file_info_set_attribute_uint32(info, "unix::gid", 0);
  }
  return OSTREE_REPO_COMMIT_FILTER_ALLOW;
}

// Counts the tree and refuses what no release may hold.
Status survey(const std::string& folder, const std::vector<MadeFile>& made, Composed& composed) {
  const auto is_made = [&](const std::string& path) {
    return std::any_of(made.begin(), made.end(), [&](const auto& one) { return one.path == path; });
  };
  std::error_code error;
  fs::recursive_directory_iterator walk(folder, error);
  for (; !error && walk != fs::recursive_directory_iterator(); walk.increment(error)) {
    const std::string path = walk->path().string().substr(folder.size());
    if (is_left_out_of_release(path)) {
      walk.disable_recursion_pending();
      continue;
    }
    struct stat st {};
    if (::lstat(walk->path().c_str(), &st) != 0)
      return system_error("stat " + walk->path().string());
    if (is_made(path) && !S_ISDIR(st.st_mode)) continue;
    ++composed.tree_inodes;
    if (S_ISREG(st.st_mode))
      composed.tree_bytes += static_cast<std::uint64_t>(st.st_size);
    else if (!S_ISDIR(st.st_mode) && !S_ISLNK(st.st_mode))
      return Error{Errc::invalid, path + " is a device node, socket or fifo; a release holds none"};
  }
  if (error) return system_error("read " + folder, error.value());
  return ok();
}

std::string only_kernel_release(const std::string& folder) {
  std::set<std::string> releases;
  for (const char* place : {"/usr/lib/modules", "/lib/modules"}) {
    std::error_code error;
    for (fs::directory_iterator i(folder + place, error), end; !error && i != end;
         i.increment(error))
      if (i->is_directory()) releases.insert(i->path().filename().string());
  }
  return releases.size() == 1 ? *releases.begin() : "";
}

struct Link {
  std::string name, target;
};

// The links that make the only kernel findable under the loader's names.
Result<std::vector<Link>> boot_links(const std::string& folder) {
  const fs::path boot = folder + "/boot";
  if (fs::exists(boot / "vmlinuz") && fs::exists(boot / "initrd.img")) return std::vector<Link>{};
  std::vector<std::string> versions;
  std::error_code error;
  for (fs::directory_iterator i(boot, error), end; !error && i != end; i.increment(error)) {
    const std::string name = i->path().filename().string();
    if (name.starts_with("vmlinuz-")) versions.push_back(name.substr(8));
  }
  if (versions.size() != 1)
    return Error{Errc::invalid, folder + ": no /boot/vmlinuz and /boot/initrd.img, and " +
                                    std::to_string(versions.size()) +
                                    " kernels in /boot; put exactly one there"};
  for (const auto& initramfs : {"initrd.img-" + versions[0], "initramfs-" + versions[0] + ".img"})
    if (fs::exists(boot / initramfs))
      return std::vector<Link>{{"vmlinuz", "vmlinuz-" + versions[0]}, {"initrd.img", initramfs}};
  return Error{Errc::invalid, folder + ": no initramfs for kernel " + versions[0] + " in /boot"};
}

Status add_links(OstreeRepo* repo, OstreeMutableTree* tree, const std::vector<Link>& links) {
  if (links.empty()) return ok();
  ErrorOut error;
  OstreeMutableTree* raw = nullptr;
  if (!ostree_mutable_tree_ensure_dir(tree, "boot", &raw, error.out()))
    return error.translate("/boot");
  const glib::Object<OstreeMutableTree> boot(raw);
  for (const auto& link : links) {
    const glib::String checksum(ostree_repo_write_symlink(
        repo, nullptr, 0, 0, nullptr, link.target.c_str(), nullptr, error.out()));
    if (!checksum || !ostree_mutable_tree_replace_file(boot.get(), link.name.c_str(),
                                                       checksum.get(), error.out()))
      return error.translate("/boot/" + link.name);
  }
  return ok();
}

// What is added to the tree.
struct Additions {
  std::vector<Link> links;
  std::vector<ExpandedMember> members;
  std::map<std::string, std::string> made;  // path -> text, of options.made
};

// Inside a transaction.
Result<std::string> write_commit(OstreeRepo* repo, const std::string& folder,
                                 const ComposeOptions& options, const Additions& additions) {
  ErrorOut error;
  Choice choice{options.keep_owners, {}};
  for (const auto& member : additions.members) choice.replaced.insert(member.path);
  for (const auto& [path, text] : additions.made) choice.replaced.insert(path);
  OstreeRepoCommitModifier* modifier = ostree_repo_commit_modifier_new(
      OSTREE_REPO_COMMIT_MODIFIER_FLAGS_NONE, filter, &choice, nullptr);
  const std::unique_ptr<OstreeRepoCommitModifier, void (*)(OstreeRepoCommitModifier*)> owner(
      modifier, ostree_repo_commit_modifier_unref);
  const glib::Object<OstreeMutableTree> tree(ostree_mutable_tree_new());
  if (!ostree_repo_write_dfd_to_mtree(repo, AT_FDCWD, folder.c_str(), tree.get(), modifier, nullptr,
                                      error.out()))
    return error.translate("compose " + folder);
  for (const auto& member : additions.members)
    CUBE_CHECK(write_member(repo, tree.get(), folder, member, options.keep_owners));
  for (const auto& [path, text] : additions.made)
    CUBE_CHECK(write_made_file(repo, tree.get(), path, text));
  CUBE_CHECK(add_links(repo, tree.get(), additions.links));
  GFile* raw_root = nullptr;
  if (!ostree_repo_write_mtree(repo, tree.get(), &raw_root, nullptr, error.out()))
    return error.translate("compose " + folder);
  const glib::Object<GFile> root(raw_root);
  char* raw_commit = nullptr;
  if (!ostree_repo_write_commit_with_time(
          repo, nullptr, options.ref.c_str(), nullptr, nullptr, OSTREE_REPO_FILE(root.get()),
          static_cast<guint64>(options.timestamp), &raw_commit, nullptr, error.out()))
    return error.translate("commit " + folder);
  const glib::String commit(raw_commit);
  ostree_repo_transaction_set_ref(repo, nullptr, options.ref.c_str(), commit.get());
  return std::string(commit.get());
}

// A private folder in the repository's tmp, removed at the end; a leftover does no harm there.
class TemporaryFolder {
 public:
  static Result<TemporaryFolder> make(const std::string& repository) {
    std::string path = repository + "/tmp/compose-XXXXXX";
    if (::mkdtemp(path.data()) == nullptr) return system_error("temporary folder " + path);
    return TemporaryFolder(std::move(path));
  }
  TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  TemporaryFolder& operator=(TemporaryFolder&&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit TemporaryFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// What the release's files take more than the tree's.
Status add_growth(const std::string& folder, const std::vector<ExpandedMember>& members,
                  Composed& composed) {
  std::error_code error;
  for (const auto& member : members) {
    composed.tree_bytes += fs::file_size(member.content, error);
    if (!error) composed.tree_bytes -= fs::file_size(folder + member.path, error);
    if (error) return system_error("size of " + member.path, error.value());
  }
  return ok();
}

// A file of options.made, counted with the folders that it needs, unless it has no place in this
// tree. `folders`: those that were counted.
Status make_file(const std::string& folder, const MadeFile& file, const std::string& scratch,
                 std::set<std::string>& folders, Additions& additions, Composed& composed) {
  std::vector<std::string> missing;
  for (auto end = file.path.find('/', 1); end != std::string::npos;
       end = file.path.find('/', end + 1)) {
    struct stat st {};
    if (::lstat((folder + file.path.substr(0, end)).c_str(), &st) != 0)
      missing.push_back(file.path.substr(0, end));
    else if (!S_ISDIR(st.st_mode))
      return ok();
  }
  CUBE_TRY(auto text, file.make(folder, scratch));
  composed.tree_bytes += text.size();
  composed.tree_inodes += 1;
  for (auto& name : missing) composed.tree_inodes += folders.insert(std::move(name)).second ? 1 : 0;
  additions.made[file.path] = std::move(text);
  return ok();
}

}  // namespace

bool is_left_out_of_release(const std::string& path) {
  if (path == "/ostree" || path == "/.cube" || path.starts_with("/ostree/") ||
      path.starts_with("/.cube/"))
    return true;
  const auto second = path.find('/', 1);
  return second != std::string::npos && emptied().count(path.substr(0, second)) != 0;
}

Result<ArchiveRepository> ArchiveRepository::create(const std::string& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (error) return system_error("make folder " + path, error.value());
  CUBE_TRY(auto repository, Repository::open_archive(path, true));
  return ArchiveRepository(std::move(repository));
}

Result<ArchiveRepository> ArchiveRepository::open(const std::string& path) {
  CUBE_TRY(auto repository, Repository::open_archive(path, false));
  return ArchiveRepository(std::move(repository));
}

Result<Composed> ArchiveRepository::commit_tree(const std::string& folder,
                                                const ComposeOptions& options) {
  Composed composed;
  CUBE_CHECK(survey(folder, options.made, composed));
  Additions additions;
  CUBE_TRY(additions.links, boot_links(folder));
  composed.kernel_release = only_kernel_release(folder);
  CUBE_TRY(const auto scratch, TemporaryFolder::make(repository_.path()));
  CUBE_TRY(additions.members, expand_members(folder, options.expand, scratch.path()));
  CUBE_CHECK(add_growth(folder, additions.members, composed));
  std::set<std::string> folders;
  for (const auto& file : options.made)
    CUBE_CHECK(make_file(folder, file, scratch.path(), folders, additions, composed));
  ErrorOut error;
  OstreeRepo* repo = repository_.native();
  if (!ostree_repo_prepare_transaction(repo, nullptr, nullptr, error.out()))
    return error.translate("repository " + repository_.path());
  auto commit = write_commit(repo, folder, options, additions);
  if (!commit) {
    ostree_repo_abort_transaction(repo, nullptr, nullptr);
    return std::move(commit).error();
  }
  if (!ostree_repo_commit_transaction(repo, nullptr, nullptr, error.out()))
    return error.translate("repository " + repository_.path());
  composed.commit = *commit;
  return composed;
}

Result<Composed> ArchiveRepository::commit_tar(const std::string& file,
                                               const ComposeOptions& options) {
  CUBE_TRY(const auto folder, TemporaryFolder::make(repository_.path()));
  // Has the mode of "/"; the folder around it is private.
  const std::string tree = folder.path() + "/tree";
  if (::mkdir(tree.c_str(), 0700) != 0 || ::chmod(tree.c_str(), 0755) != 0)
    return system_error("temporary folder " + tree);
  CUBE_CHECK(unpack_tar(file, tree));
  return commit_tree(tree, options);
}

Status ArchiveRepository::verify_commit(const std::string& commit) const {
  CheckedCommit found;
  return repository_.verify_commit(
      commit, [](const Progress&) {}, found);
}

}  // namespace cube
