#include "slots/ostree/compose/member_write.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <sys/stat.h>

#include "slots/ostree/attributes.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/tree_objects.h"

namespace cube {
namespace {

// The checksum of the object.
Result<std::string> write_object(OstreeRepo* repo, const Fd& like, const Fd& content,
                                 const std::string& path, bool keep_owners) {
  struct stat st {
  }, size{};
  if (::fstat(like.get(), &st) != 0 || ::fstat(content.get(), &size) != 0)
    return system_error("stat " + path);
  CUBE_TRY(const auto attributes, attributes_of(like, path));
  const auto list = attribute_list(attributes);
  const glib::Object<GFileInfo> info(g_file_info_new());
  g_file_info_set_file_type(info.get(), G_FILE_TYPE_REGULAR);
  g_file_info_set_size(info.get(), size.st_size);
  g_file_info_set_attribute_uint32(info.get(), "unix::uid", keep_owners ? st.st_uid : 0);
  g_file_info_set_attribute_uint32(info.get(), "unix::gid", keep_owners ? st.st_gid : 0);
  g_file_info_set_attribute_uint32(info.get(), "unix::mode", st.st_mode);
  glib::ErrorOut error;
  const glib::Object<GInputStream> bytes(g_unix_input_stream_new(content.get(), FALSE));
  GInputStream* raw_stream = nullptr;
  guint64 length = 0;
  if (!ostree_raw_file_to_content_stream(bytes.get(), info.get(), list.get(), &raw_stream, &length,
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

}  // namespace

Status write_member(OstreeRepo* repo, OstreeMutableTree* root, const std::string& tree,
                    const ExpandedMember& member, bool keep_owners) {
  CUBE_TRY(const auto like, open_member(tree + member.path));
  CUBE_TRY(const auto content, open_member(member.content));
  CUBE_TRY(const auto checksum, write_object(repo, like, content, member.name, keep_owners));
  glib::ErrorOut error;
  glib::Object<OstreeMutableTree> folder(OSTREE_MUTABLE_TREE(g_object_ref(root)));
  std::size_t at = 1;
  for (auto end = member.name.find('/', at); end != std::string::npos;
       at = end + 1, end = member.name.find('/', at)) {
    OstreeMutableTree* next = nullptr;
    if (!ostree_mutable_tree_ensure_dir(folder.get(), member.name.substr(at, end - at).c_str(),
                                        &next, error.out()))
      return error.translate(member.name);
    folder.reset(next);
  }
  if (!ostree_mutable_tree_replace_file(folder.get(), member.name.substr(at).c_str(),
                                        checksum.c_str(), error.out()))
    return error.translate(member.name);
  return ok();
}

}  // namespace cube
