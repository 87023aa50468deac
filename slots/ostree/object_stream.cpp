#include "slots/ostree/object_stream.h"

namespace cube {
namespace {

// An object that cannot be read is a damaged one.
Error damaged(Error error) {
  if (error.code == Errc::failed || error.code == Errc::not_found) error.code = Errc::corrupt;
  return error;
}

}  // namespace

OstreeObjectType type_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::commit:
      return OSTREE_OBJECT_TYPE_COMMIT;
    case ObjectKind::dirtree:
      return OSTREE_OBJECT_TYPE_DIR_TREE;
    case ObjectKind::dirmeta:
      return OSTREE_OBJECT_TYPE_DIR_META;
    case ObjectKind::file:
      break;
  }
  return OSTREE_OBJECT_TYPE_FILE;
}

Result<ObjectStream> ObjectStream::open(OstreeRepo* repository, const ObjectId& id,
                                        Buffer& buffer) {
  glib::ErrorOut error;
  GInputStream* stream = nullptr;
  guint64 length = 0;
  if (!ostree_repo_load_object_stream(repository, type_of(id.kind), to_hex(id.name).c_str(),
                                      &stream, &length, nullptr, error.out()))
    return damaged(error.translate("read"));
  return ObjectStream(glib::Object<GInputStream>(stream), length, buffer);
}

Result<std::string_view> ObjectStream::next() {
  glib::ErrorOut error;
  const auto count =
      g_input_stream_read(stream_.get(), buffer_->data(), buffer_->size(), nullptr, error.out());
  if (count < 0) return damaged(error.translate("read"));
  done_ += static_cast<std::uint64_t>(count);
  if (done_ > length_ || (count == 0 && done_ < length_))
    return Error{Errc::corrupt, "is not as long as it says"};
  return std::string_view(buffer_->data(), static_cast<std::size_t>(count));
}

}  // namespace cube
