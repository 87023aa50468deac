#include "slots/ostree/compose/kernel_modules.h"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/io.h"
#include "base/spawn.h"
#include "slots/initramfs/decompress.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
using Members = std::vector<ExpandedMember>;

constexpr std::uint64_t max_module_bytes = 256ULL * 1024 * 1024;  // the largest in use: 10 MiB
constexpr std::size_t max_list_bytes = 64 * 1024 * 1024;

// "foo.ko" for "foo.ko.xz", "" when it is no compressed module.
std::string expanded_name(const std::string& name) {
  for (const std::string suffix : {".gz", ".xz", ".zst"})
    if (name.ends_with(".ko" + suffix)) return name.substr(0, name.size() - suffix.size());
  return "";
}

// modules.dep with the names that its modules get: words that end with ':' or are alone.
std::string renamed(const std::string& list) {
  std::string text;
  std::string word;
  const auto finish = [&] {
    const bool subject = word.ends_with(':');
    if (subject) word.pop_back();
    const std::string other = expanded_name(word);
    text += (other.empty() ? word : other) + (subject ? ":" : "");
    word.clear();
  };
  for (const char c : list) {
    if (c != ' ' && c != '\n') {
      word += c;
      continue;
    }
    finish();
    text += c;
  }
  finish();
  return text;
}

Result<std::string> read_list(const std::string& path) {
  CUBE_TRY(const auto fd, open_member(path));
  return read_all(fd, max_list_bytes);
}

// The modules of one kernel: tree + place is their folder.
class KernelModules {
 public:
  KernelModules(std::string tree, std::string place, const std::string& release,
                std::string scratch)
      : tree_(std::move(tree)),
        folder_(place + "/" + release),
        release_(release),
        scratch_(std::move(scratch)),
        copy_(scratch_ + "/lib/modules/" + release) {}

  Status run(Members& members) {
    CUBE_TRY(const auto paths, files());
    bool compressed = false;
    for (const auto& path : paths) {
      const auto name = expanded_name(path);
      if (name.empty()) continue;
      compressed = true;
      CUBE_CHECK(expand(path, name));
      members.push_back({folder_ + path, folder_ + name, copy_ + name});
    }
    if (!compressed || !fs::exists(tree_ + folder_ + "/modules.dep")) return ok();
    for (const auto& path : paths)
      if (expanded_name(path).empty() && (path.ends_with(".ko") || is_input(path)))
        CUBE_CHECK(copy(path));
    return renew_lists(members);
  }

 private:
  // What depmod reads besides modules.
  static bool is_input(const std::string& path) {
    return path == "/modules.order" || path == "/modules.builtin" ||
           path == "/modules.builtin.modinfo";
  }

  // Regular files, as "/kernel/net/foo.ko.xz", sorted.
  [[nodiscard]] Result<std::vector<std::string>> files() const {
    std::vector<std::string> paths;
    std::error_code error;
    const std::string top = tree_ + folder_;
    for (fs::recursive_directory_iterator i(top, error), end; !error && i != end;
         i.increment(error)) {
      const std::string path = i->path().string().substr(top.size());
      const auto status = i->symlink_status(error);
      if (fs::is_symlink(status) && !expanded_name(path).empty())
        return Error{Errc::invalid, folder_ + path +
                                        ": is a link to a compressed module, which would get "
                                        "another name; compose without --expand modules"};
      if (fs::is_regular_file(status)) paths.push_back(path);
    }
    if (error) return system_error("read " + top, error.value());
    std::sort(paths.begin(), paths.end());
    return paths;
  }

  Status expand(const std::string& path, const std::string& name) {
    CUBE_TRY(const auto from, open_member(tree_ + folder_ + path));
    if (fs::exists(tree_ + folder_ + name))
      return Error{Errc::invalid, folder_ + name + ": is there compressed and uncompressed"};
    CUBE_TRY(const auto to, create_member(copy_ + name));
    struct stat st {};
    if (::fstat(from.get(), &st) != 0) return system_error("stat " + path);
    CUBE_TRY(const auto end, decompress(from, 0, to, max_module_bytes, folder_ + path));
    if (end != static_cast<std::uint64_t>(st.st_size))
      return Error{Errc::invalid, folder_ + path + ": has more bytes after its compressed ones"};
    std::string magic(4, '\0');
    if (::pread(to.get(), magic.data(), 4, 0) != 4 || magic !=
                                                          "\x7f"
                                                          "ELF")
      return Error{Errc::invalid, folder_ + path + ": holds no kernel module"};
    return ok();
  }

  Status copy(const std::string& path) {
    std::error_code error;
    fs::create_directories(fs::path(copy_ + path).parent_path(), error);
    if (!error) fs::copy_file(tree_ + folder_ + path, copy_ + path, error);
    if (error) return system_error("copy " + folder_ + path, error.value());
    return ok();
  }

  // The tree's own configuration of depmod; without any an empty folder, lest it be this machine's.
  [[nodiscard]] Result<std::vector<std::string>> command() const {
    std::vector<std::string> words{"depmod", "-b", scratch_};
    for (const char* place : {"/etc/depmod.d", "/usr/lib/depmod.d", "/lib/depmod.d"})
      if (fs::is_directory(tree_ + place)) words.insert(words.end(), {"-C", tree_ + place});
    if (words.size() == 3) {
      std::error_code error;
      fs::create_directories(scratch_ + "/no-depmod.d", error);
      if (error) return system_error("make folder " + scratch_, error.value());
      words.insert(words.end(), {"-C", scratch_ + "/no-depmod.d"});
    }
    words.push_back(release_);
    return words;
  }

  Status renew_lists(Members& members) {
    CUBE_TRY(const auto words, command());
    SpawnOptions options;
    options.timeout = std::chrono::seconds(600);
    auto outcome = spawn(words, options);
    if (!outcome && outcome.error().code == Errc::not_found)
      return Error{Errc::invalid,
                   "depmod is not installed: install the package kmod, or compose without "
                   "--expand modules"};
    if (!outcome) return std::move(outcome).error();
    if (outcome->exit_code != 0)
      return Error{Errc::failed, "depmod of " + folder_ + ": " + outcome->output};
    CUBE_TRY(const auto old_list, read_list(tree_ + folder_ + "/modules.dep"));
    CUBE_TRY(const auto new_list, read_list(copy_ + "/modules.dep"));
    if (new_list != renamed(old_list))
      return Error{
          Errc::invalid,
          folder_ +
              "/modules.dep: depmod of this machine finds other dependencies than the tree "
              "has; run depmod in the tree, or compose without --expand modules"};
    for (const std::string name : {"/modules.dep", "/modules.dep.bin"})
      if (fs::exists(tree_ + folder_ + name))
        members.push_back({folder_ + name, folder_ + name, copy_ + name});
    return ok();
  }

  std::string tree_, folder_, release_, scratch_, copy_;
};

}  // namespace

Status expand_modules(const std::string& tree, const std::string& scratch, Members& members) {
  for (const std::string place : {"/usr/lib/modules", "/lib/modules"}) {
    std::error_code error;
    // /lib may be a link to usr/lib; out of the tree it may not lead.
    if (fs::canonical(tree + place, error) != fs::canonical(tree, error).string() + place) continue;
    std::vector<std::string> releases;
    for (fs::directory_iterator i(tree + place, error), end; !error && i != end; i.increment(error))
      if (fs::is_directory(i->symlink_status(error)))
        releases.push_back(i->path().filename().string());
    if (error) return system_error("read " + tree + place, error.value());
    std::sort(releases.begin(), releases.end());
    for (const auto& release : releases)
      CUBE_CHECK(KernelModules(tree, place, release, scratch + place).run(members));
  }
  return ok();
}

}  // namespace cube
