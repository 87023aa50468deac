#include "slots/ostree/compose/member_write.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <sys/stat.h>

#include "slots/ostree/attributes.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/tree_objects.h"

namespace cube {
namespace {

struct Owner {
  std::uint32_t uid = 0, gid = 0, mode = S_IFREG | 0644U;
};

// The checksum of the object. `attributes`: nullptr for none.
Result<std::string> write_object(OstreeRepo* repo, GInputStream* content, std::uint64_t size,
                                 const Owner& owner, GVariant* attributes,
                                 const std::string& path) {
  const glib::Object<GFileInfo> info(g_file_info_new());
  g_file_info_set_file_type(info.get(), G_FILE_TYPE_REGULAR);
  g_file_info_set_size(info.get(), static_cast<goffset>(size));
  g_file_info_set_attribute_uint32(info.get(), "unix::uid", owner.uid);
  g_file_info_set_attribute_uint32(info.get(), "unix::gid", owner.gid);
  g_file_info_set_attribute_uint32(info.get(), "unix::mode", owner.mode);
  glib::ErrorOut error;
  GInputStream* raw_stream = nullptr;
  guint64 length = 0;
  if (!ostree_raw_file_to_content_stream(content, info.get(), attributes, &raw_stream, &length,
                                         nullptr, error.out()))
    return error.translate(path);
  const glib::Object<GInputStream> stream(raw_stream);
  guchar* raw_digest = nullptr;
  if (!ostree_repo_write_content(repo, nullptr, stream.get(), length, &raw_digest, nullptr,
                                 error.out()))
    return error.translate(path);
  const std::unique_ptr<guchar, glib::Free> digest(raw_digest);
  const glib::String checksum(ostree_checksum_from_bytes(digest.get()));
  return std::string(checksum.get());
}

Status put(OstreeMutableTree* root, const std::string& name, const std::string& checksum) {
  glib::ErrorOut error;
  glib::Object<OstreeMutableTree> folder(OSTREE_MUTABLE_TREE(g_object_ref(root)));
  std::size_t at = 1;
  for (auto end = name.find('/', at); end != std::string::npos;
       at = end + 1, end = name.find('/', at)) {
    OstreeMutableTree* next = nullptr;
    if (!ostree_mutable_tree_ensure_dir(folder.get(), name.substr(at, end - at).c_str(), &next,
                                        error.out()))
      return error.translate(name);
    const char* meta = ostree_mutable_tree_get_metadata_checksum(next);
    if (meta == nullptr || *meta == '\0')  // it is new
      ostree_mutable_tree_set_metadata_checksum(
          next, ostree_mutable_tree_get_metadata_checksum(folder.get()));
    folder.reset(next);
  }
  if (!ostree_mutable_tree_replace_file(folder.get(), name.substr(at).c_str(), checksum.c_str(),
                                        error.out()))
    return error.translate(name);
  return ok();
}

}  // namespace

Status write_member(OstreeRepo* repo, OstreeMutableTree* root, const std::string& tree,
                    const ExpandedMember& member, bool keep_owners) {
  CUBE_TRY(const auto like, open_member(tree + member.path));
  CUBE_TRY(const auto content, open_member(member.content));
  struct stat st {
  }, size{};
  if (::fstat(like.get(), &st) != 0 || ::fstat(content.get(), &size) != 0)
    return system_error("stat " + member.name);
  CUBE_TRY(const auto attributes, attributes_of(like, member.name));
  const auto list = attribute_list(attributes);
  const glib::Object<GInputStream> bytes(g_unix_input_stream_new(content.get(), FALSE));
  CUBE_TRY(const auto checksum,
           write_object(repo, bytes.get(), static_cast<std::uint64_t>(size.st_size),
                        {keep_owners ? st.st_uid : 0, keep_owners ? st.st_gid : 0, st.st_mode},
                        list.get(), member.name));
  return put(root, member.name, checksum);
}

Status write_made_file(OstreeRepo* repo, OstreeMutableTree* root, const std::string& name,
                       const std::string& text) {
  const glib::Object<GInputStream> bytes(
      g_memory_input_stream_new_from_data(text.data(), static_cast<gssize>(text.size()), nullptr));
  CUBE_TRY(const auto checksum, write_object(repo, bytes.get(), text.size(), {}, nullptr, name));
  return put(root, name, checksum);
}

}  // namespace cube
