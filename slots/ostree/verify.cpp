#include "slots/ostree/verify.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>

#include "base/io.h"
#include "slots/carry_over.h"
#include "slots/ostree/attributes.h"
#include "slots/ostree/glib.h"

namespace cube {
namespace {

constexpr const char* queried = "standard::*,unix::mode,unix::uid,unix::gid";
// File types and all of the permission bits.
constexpr std::uint32_t all_mode_bits = S_IFMT | 07777;

Attributes attributes_in(GVariant* list) {
  Attributes attributes;
  GVariantIter entries;
  GVariant *name, *value;
  g_variant_iter_init(&entries, list);
  while (g_variant_iter_next(&entries, "(@ay@ay)", &name, &value)) {
    const glib::Variant owned_name(name), owned_value(value);
    gsize size = 0;
    const auto* bytes = static_cast<const char*>(g_variant_get_fixed_array(value, &size, 1));
    attributes[g_variant_get_bytestring(name)] = std::string(bytes, size);
  }
  return attributes;
}

class PathVerifier {
 public:
  PathVerifier(const Repository& repository, const RootDir& tree, const Tolerance& tolerance)
      : repository_(repository), tree_(tree), tolerance_(tolerance) {}

  Status folder(GFile* expected, const std::string& path) {
    std::set<std::string> names;
    CUBE_CHECK(each_child(expected, path, names));
    if (tolerance_.additions) return ok();
    CUBE_TRY(const auto present, tree_.list(path.empty() ? "." : path));
    for (const auto& name : present) {
      const std::string child = path.empty() ? name : path + "/" + name;
      const bool ours =
          path.empty() && (name == "ostree" || name == ".cube" || name == "lost+found");
      if (names.count(name) == 0 && !ours && !is_carried_over(child, tolerance_.changed))
        return wrong(child, "is not part of the release");
    }
    return ok();
  }

 private:
  static Error wrong(const std::string& path, const std::string& what) {
    return {Errc::corrupt, "/" + path + " " + what};
  }

  Status each_child(GFile* expected, const std::string& path, std::set<std::string>& names) {
    glib::ErrorOut error;
    const glib::Object<GFileEnumerator> children(g_file_enumerate_children(
        expected, queried, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, nullptr, error.out()));
    if (!children) return error.translate("list /" + path);
    for (;;) {
      const glib::Object<GFileInfo> info(
          g_file_enumerator_next_file(children.get(), nullptr, error.out()));
      if (!info) return ok();
      const std::string name = g_file_info_get_name(info.get());
      names.insert(name);
      const std::string child = path.empty() ? name : path + "/" + name;
      if (is_carried_over(child, tolerance_.changed)) continue;
      const glib::Object<GFile> file(g_file_get_child(expected, name.c_str()));
      CUBE_CHECK(one(file.get(), info.get(), child));
    }
  }

  Status one(GFile* expected, GFileInfo* info, const std::string& path) {
    const auto fd = tree_.open_file(path, O_PATH | O_NOFOLLOW);
    if (!fd) return wrong(path, "is missing");
    struct stat st {};
    if (::fstat(fd->get(), &st) != 0) return system_error("stat /" + path);
    const std::uint32_t mode = g_file_info_get_attribute_uint32(info, "unix::mode");
    if ((st.st_mode & S_IFMT) != (mode & S_IFMT)) return wrong(path, "is of another type");
    if (repository_.keeps_owners()) {
      if ((st.st_mode & all_mode_bits) != (mode & all_mode_bits))
        return wrong(path, "has another mode");
      if (st.st_uid != g_file_info_get_attribute_uint32(info, "unix::uid") ||
          st.st_gid != g_file_info_get_attribute_uint32(info, "unix::gid"))
        return wrong(path, "has another owner");
      if (!S_ISLNK(st.st_mode)) CUBE_CHECK(attributes(expected, path));
    }
    if (S_ISDIR(st.st_mode)) return folder(expected, path);
    if (S_ISLNK(st.st_mode)) {
      CUBE_TRY(const auto target, tree_.read_link(path));
      if (target != g_file_info_get_symlink_target(info)) return wrong(path, "links elsewhere");
      return ok();
    }
    return content(expected, st, path);
  }

  Status attributes(GFile* expected, const std::string& path) {
    glib::ErrorOut error;
    GVariant* raw = nullptr;
    if (!ostree_repo_file_get_xattrs(OSTREE_REPO_FILE(expected), &raw, nullptr, error.out()))
      return error.translate("attributes of /" + path);
    const glib::Variant wanted(raw);
    CUBE_TRY(const auto fd, tree_.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    CUBE_TRY(const auto present, attributes_of(fd, "/" + path));
    if (present != attributes_in(wanted.get())) return wrong(path, "has other extended attributes");
    return ok();
  }

  Status content(GFile* expected, const struct stat& st, const std::string& path) {
    const std::string checksum = ostree_repo_file_get_checksum(OSTREE_REPO_FILE(expected));
    const std::string object =
        "ostree/repo/objects/" + checksum.substr(0, 2) + "/" + checksum.substr(2) + ".file";
    CUBE_TRY(const auto reference, tree_.open_file(object, O_RDONLY | O_NOFOLLOW));
    struct stat object_st {};
    if (::fstat(reference.get(), &object_st) != 0) return system_error("stat /" + object);
    if (object_st.st_dev == st.st_dev && object_st.st_ino == st.st_ino) return ok();
    CUBE_TRY(const auto copy, tree_.open_file(path, O_RDONLY | O_NOFOLLOW));
    if (object_st.st_size != st.st_size) return wrong(path, "has another size");
    return same_bytes(reference, copy, path);
  }

  static Status same_bytes(const Fd& left, const Fd& right, const std::string& path) {
    ::posix_fadvise(right.get(), 0, 0, POSIX_FADV_DONTNEED);
    std::array<char, 65536> a{}, b{};
    off_t at = 0;
    for (;;) {
      const auto count = ::pread(left.get(), a.data(), a.size(), at);
      if (count < 0) return system_error("read the object of /" + path);
      if (count == 0) return ok();
      const auto got = ::pread(right.get(), b.data(), static_cast<std::size_t>(count), at);
      if (got < 0) return system_error("read /" + path);
      if (got != count || !std::equal(a.begin(), a.begin() + count, b.begin()))
        return wrong(path, "has other content");
      at += count;
    }
  }

  const Repository& repository_;
  const RootDir& tree_;
  const Tolerance& tolerance_;
};

}  // namespace

Status verify_paths(const Repository& repository, const std::string& commit, const RootDir& tree,
                    const Tolerance& tolerance) {
  CUBE_TRY(const auto root, glib::root_of(repository.native(), commit));
  return PathVerifier(repository, tree, tolerance).folder(root.get(), "");
}

}  // namespace cube
