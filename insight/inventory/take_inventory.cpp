#include "insight/inventory/take_inventory.h"

#include <fcntl.h>

#include <algorithm>
#include <optional>

#include "base/digest.h"
#include "insight/inventory/filesystems.h"
#include "insight/inventory/inventory_builder.h"
#include "insight/inventory/module_versions.h"
#include "insight/inventory/tree_lists.h"

namespace cube::insight {
namespace {

constexpr std::size_t max_list_bytes = 64 * 1024 * 1024;
constexpr std::uint64_t max_firmware_bytes = 256ULL * 1024 * 1024;
constexpr std::size_t max_files = 2'000'000;
constexpr std::size_t max_depth = 200;  // folders in folders

// Without the tree's own place, so that the same tree gives the same words.
std::string told(const std::string& path, const Error& error) {
  if (error.sys_errno != 0) return path + ": " + std::strerror(error.sys_errno);
  return path + ": is no regular file, or too large";
}

Result<Fd> open_regular(const RootDir& tree, const std::string& path) {
  CUBE_TRY(auto fd, tree.open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + path);
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, path + ": is no regular file"};
  return fd;
}

// Numbers in names compare as numbers: 6.1.0-9 is older than 6.1.0-42.
bool older(const std::string& left, const std::string& right) {
  return ::strverscmp(left.c_str(), right.c_str()) < 0;
}

bool is_unit(std::string_view name) {
  constexpr std::string_view kinds[] = {".service",   ".socket", ".timer", ".target", ".mount",
                                        ".automount", ".path",   ".slice", ".swap"};
  return std::any_of(std::begin(kinds), std::end(kinds),
                     [&](auto kind) { return name.ends_with(kind); });
}

// "usr/lib" for "usr/lib/modules/x", "etc" for "etc/default/grub", "." for a file at the top.
std::string folder_of(const std::string& path) {
  const auto first = path.find('/');
  if (first == std::string::npos) return ".";
  const auto top = path.substr(0, first);
  if (top != "usr" && top != "var" && top != "opt") return top;
  const auto second = path.find('/', first + 1);
  return second == std::string::npos ? top : path.substr(0, second);
}

class Survey {
 public:
  Survey(const RootDir& tree, const TreeReaders& readers) : tree_(tree), readers_(readers) {}

  Result<Inventory> run() {
    choose_kernel();
    walk();
    read_lists();
    CUBE_CHECK(read_module_versions());
    CUBE_CHECK(read_rpm_packages());
    CUBE_CHECK(read_initramfs());
    list_filesystems();
    mask_units();
    return std::move(made_.inventory);
  }

 private:
  // The one that /boot/vmlinuz leads to; else the only one in /boot; else the newest.
  void choose_kernel() {
    Names releases;
    for (const char* place : {"usr/lib/modules", "lib/modules"}) {
      const auto found = tree_.entries(place);
      if (!found && found.error().code != Errc::not_found)
        made_.not_known("kernels", told(place, found.error()));
      for (const auto& entry : found ? *found : std::vector<DirEntry>{})
        if (entry.type == DirEntry::Type::folder) releases.insert(entry.name);
    }
    made_.add_all(part_of(&Inventory::kernels), releases);
    if (!releases.empty()) kernel_ = *std::max_element(releases.begin(), releases.end(), older);
    const std::string prefix = "vmlinuz-";
    Names in_boot;
    const auto boot = tree_.list("boot");
    if (!boot && boot.error().code != Errc::not_found)
      made_.not_known("kernels", told("boot", boot.error()));
    for (const auto& name : boot ? *boot : std::vector<std::string>{})
      if (name.starts_with(prefix)) in_boot.insert(name.substr(prefix.size()));
    if (in_boot.size() == 1) kernel_ = *in_boot.begin();
    if (const auto link = tree_.read_link("boot/vmlinuz")) {
      const auto name = link->substr(link->find_last_of('/') + 1);
      if (name.starts_with(prefix)) kernel_ = name.substr(prefix.size());
    }
    made_.inventory.kernel = readable(kernel_);
  }

  struct Folder {
    std::string path;  // "usr/lib/"; "" of the top
    std::size_t depth;
  };

  void walk() {
    std::vector<Folder> folders{{"", 0}};
    std::size_t files = 0;
    while (!folders.empty()) {
      const auto folder = std::move(folders.back());
      folders.pop_back();
      const auto found = tree_.entries(folder.path.empty() ? "." : folder.path);
      const auto fd = tree_.open_file(folder.path.empty() ? "." : folder.path,
                                      O_PATH | O_DIRECTORY | O_NOFOLLOW);
      if (!found || !fd || folder.depth > max_depth) {
        part_not_known(folder.path, !found ? told(folder.path, found.error())
                                           : folder.path + ": cannot be looked at");
        continue;
      }
      files += found->size();
      if (files > max_files) {
        part_not_known("", "the tree: more than 2,000,000 files; those behind " + folder.path +
                               " are not counted");
        return;
      }
      for (const auto& entry : *found) look_at(folder, *fd, entry, folders);
    }
  }

  void look_at(const Folder& folder, const Fd& fd, const DirEntry& entry,
               std::vector<Folder>& folders) {
    const std::string path = folder.path + entry.name;
    if (readers_.is_left_out("/" + path) || path == inventory_path) return;
    if (entry.type == DirEntry::Type::folder) {
      folders.push_back({path + "/", folder.depth + 1});
      return;
    }
    struct stat st {};
    if (::fstatat(fd.get(), entry.name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0)
      return part_not_known(path, told(path, system_error(path)));
    const bool file = S_ISREG(st.st_mode);
    if (!file && !S_ISLNK(st.st_mode)) return;
    if (file) made_.add_bytes(folder_of(path), static_cast<std::uint64_t>(st.st_size));
    if (file && (st.st_mode & 06000U) != 0) add_setuid(path, st.st_mode);
    const auto place = path.starts_with("usr/lib/") ? path.substr(4) : path;
    if (place.starts_with("lib/firmware/")) add_firmware(path, place.substr(13), st);
    if (place.starts_with("lib/modules/" + kernel_ + "/")) add_module(path, place.substr(12));
    if (place.starts_with("lib/systemd/system/") || place.starts_with("etc/systemd/system/"))
      add_unit(path, place.substr(19), file);
  }

  void add_setuid(const std::string& path, mode_t mode) {
    std::string octal;
    for (mode_t rest = mode & 07777U; octal.size() < 4; rest >>= 3U)
      octal.insert(octal.begin(), static_cast<char>('0' + (rest & 7U)));
    made_.add(part_of(&Inventory::setuid), path, octal);
  }

  void add_module(const std::string& whole, const std::string& path) {
    const auto file = module_file(path);
    if (file.empty()) return;
    made_.add(part_of(&Inventory::modules), module_name(path), file.substr(kernel_.size() + 1));
    module_files_.emplace_back(module_name(path), whole);
  }

  // Most modules have none of their own. Each file is opened, so several threads do it.
  Status read_module_versions() {
    CUBE_TRY(const auto found, module_versions(tree_, module_files_, readers_.expanded_module));
    made_.add_all(part_of(&Inventory::module_versions), found.versions);
    for (const auto& why : found.unreadable) made_.not_known("module_versions", why);
    return ok();
  }

  void list_filesystems() {
    const auto& part = part_of(&Inventory::filesystems);
    for (const auto& [name, file] : made_.inventory.modules)
      if (const auto kind = filesystem_of(file); !kind.empty())
        made_.add(
            part, kind,
            made_.inventory.initramfs_modules.count(name) != 0 ? "in the initramfs" : "module");
    for (const auto& name : built_in_filesystems_) made_.add(part, name, "built in");
  }

  // A driver may ask for a link's name.
  void add_firmware(const std::string& path, const std::string& name, const struct stat& st) {
    const auto& part = part_of(&Inventory::firmware);
    if (S_ISLNK(st.st_mode)) {
      const auto target = tree_.read_link(path);
      return made_.add(part, without_compression(name), "-> " + (target ? *target : "?"));
    }
    std::string digest = "?";
    const auto fd = open_regular(tree_, path);
    if (fd && static_cast<std::uint64_t>(st.st_size) <= max_firmware_bytes)
      if (const auto whole = sha256_of_rest(*fd)) digest = to_hex(*whole).substr(0, 16);
    if (digest == "?") made_.not_known("firmware", path + ": is unreadable, or too large");
    made_.add(part, without_compression(name), std::to_string(st.st_size) + " " + digest);
  }

  // "sshd.service", "multi-user.target.wants/sshd.service"
  void add_unit(const std::string& path, const std::string& name, bool file) {
    const auto slash = name.find('/');
    const auto unit = name.substr(slash == std::string::npos ? 0 : slash + 1);
    if (!is_unit(unit) || unit.find('/') != std::string::npos) return;
    if (slash != std::string::npos) {
      const auto by = name.substr(0, slash);
      if (by.ends_with(".wants") || by.ends_with(".requires"))
        made_.add(part_of(&Inventory::enabled), unit);
      return;
    }
    made_.add(part_of(&Inventory::units), unit);
    if (file) return;
    if (const auto target = tree_.read_link(path); target && *target == "/dev/null")
      masked_.insert(unit);
  }

  void mask_units() {
    for (const auto& unit : masked_) {
      made_.remove(part_of(&Inventory::units), unit);
      made_.remove(part_of(&Inventory::enabled), unit);
    }
  }

  // Everything that would have been found in a place.
  void part_not_known(const std::string& path, const std::string& why) {
    const auto place = path.starts_with("usr/lib/") ? path.substr(4) : path;
    const auto concerns = [&](std::string_view top) {
      return std::string_view(place).starts_with(top) || top.starts_with(place) || path == "usr/";
    };
    made_.not_known("folders", why);
    made_.not_known("setuid", why);
    if (concerns("lib/firmware/")) made_.not_known("firmware", why);
    if (concerns("lib/modules/")) {
      made_.not_known("modules", why);
      made_.not_known("module_versions", why);
      made_.not_known("filesystems", why);
    }
    if (concerns("lib/systemd/system/") || concerns("etc/systemd/system/")) {
      made_.not_known("units", why);
      made_.not_known("enabled", why);
    }
  }

  // The first of these files that is there.
  std::optional<std::string> list(const char* part, std::initializer_list<std::string> paths) {
    for (const auto& path : paths) {
      auto text = tree_.read_file(path, max_list_bytes);
      if (text) return std::move(*text);
      if (text.error().code == Errc::not_found) continue;
      made_.not_known(part, told(path, text.error()));
      return {};
    }
    return {};
  }

  // Or may be: what cannot be looked at is no proof of the contrary.
  [[nodiscard]] bool is_there(const std::string& path) const {
    const auto st = tree_.stat(path);
    return st || st.error().code != Errc::not_found;
  }

  // Of one place, the first that has a database; a tree may have both names for it.
  Status read_rpm_packages() {
    for (const std::string place : {"usr/lib/sysimage/rpm", "var/lib/rpm"})
      for (const char* name : {"rpmdb.sqlite", "Packages.db", "Packages"}) {
        if (!is_there(place + "/" + name)) continue;
        const auto database = tree_.below(place);
        if (!database) {
          made_.not_known("packages", told(place, database.error()));
          return ok();
        }
        const auto packages = readers_.rpm_packages(*database);
        if (packages) {
          made_.add_all(part_of(&Inventory::packages), *packages);
          return ok();
        }
        if (packages.error().code != Errc::invalid && packages.error().code != Errc::corrupt)
          return Error(packages.error());
        made_.not_known("packages", place + ": " + packages.error().what);
        return ok();
      }
    return ok();
  }

  void read_lists() {
    if (const auto text = list("packages", {"var/lib/dpkg/status"}))
      made_.add_all(part_of(&Inventory::packages), dpkg_packages(*text));
    if (const auto text = list("arguments", {"etc/default/grub"}))
      made_.add_all(part_of(&Inventory::arguments), grub_arguments(*text));
    for (const std::string path : {"etc/kernel/cmdline", "usr/lib/kernel/cmdline"})
      if (const auto text = list("arguments", {path}))
        made_.add(part_of(&Inventory::arguments), path, text->substr(0, text->find('\n')));
    if (const auto text = list("mkfs_features", {"etc/mke2fs.conf"}))
      for (const auto& [name, value] : mke2fs_features(*text))
        made_.add(part_of(&Inventory::mkfs_features), "mke2fs " + name, value);
    if (kernel_.empty()) return;
    const auto below = "lib/modules/" + kernel_;
    if (const auto text = list(
            "options", {"boot/config-" + kernel_, "usr/" + below + "/config", below + "/config"}))
      made_.add_all(part_of(&Inventory::options), kernel_options(*text));
    if (const auto text =
            list("built_in", {"usr/" + below + "/modules.builtin", below + "/modules.builtin"})) {
      made_.add_all(part_of(&Inventory::built_in), built_in_modules(*text));
      built_in_filesystems_ = filesystem_modules(*text);
    }
    if (const auto text =
            list("aliases", {"usr/" + below + "/modules.alias", below + "/modules.alias"}))
      made_.add_all(part_of(&Inventory::aliases), module_aliases(*text));
  }

  // The loader's name for it; in a tree that is not composed yet the only one of that kernel.
  [[nodiscard]] std::string initramfs_path() const {
    const std::string loaders = "boot/initrd.img";
    if (const auto link = tree_.read_link(loaders); link && link->find('/') == std::string::npos)
      return "boot/" + *link;
    for (const auto& path :
         {loaders, loaders + "-" + kernel_, "boot/initramfs-" + kernel_ + ".img"})
      if (is_there(path)) return path;
    return "";
  }

  Status read_initramfs() {
    const auto path = initramfs_path();
    if (path.empty()) return ok();
    made_.inventory.initramfs = readable(path);
    const auto image = open_regular(tree_, path);
    if (!image) {
      initramfs_not_known(told(path, image.error()));
      return ok();
    }
    const auto names = readers_.initramfs(*image, made_.inventory.initramfs);
    if (names) {
      made_.add_all(part_of(&Inventory::initramfs_modules), names->modules);
      made_.add_all(part_of(&Inventory::initramfs_firmware), names->firmware);
      made_.add_all(part_of(&Inventory::initramfs_tools), names->tools);
      made_.add_all(part_of(&Inventory::microcode), names->microcode);
      return ok();
    }
    if (names.error().code != Errc::invalid && names.error().code != Errc::corrupt)
      return Error(names.error());
    initramfs_not_known(names.error().what);
    return ok();
  }

  void initramfs_not_known(const std::string& why) {
    made_.not_known("initramfs_modules", why);
    made_.not_known("initramfs_tools", why);
    made_.not_known("microcode", why);
    made_.not_known("initramfs_firmware", why);
  }

  const RootDir& tree_;
  const TreeReaders& readers_;
  std::string kernel_;
  Names masked_;
  Names built_in_filesystems_;
  std::vector<NamedModule> module_files_;
  InventoryBuilder made_;
};

}  // namespace

Result<Inventory> take_inventory(const RootDir& tree, const TreeReaders& readers) {
  return Survey(tree, readers).run();
}

}  // namespace cube::insight
