#include "slots/ostree/tree_objects.h"

#include <sys/stat.h>

#include <algorithm>

namespace cube {
namespace {

glib::Variant child(GVariant* parent, gsize i) {
  return glib::Variant(g_variant_get_child_value(parent, i));
}

std::string_view bytes_of(GVariant* array) {
  gsize size = 0;
  const auto* bytes = static_cast<const char*>(g_variant_get_fixed_array(array, &size, 1));
  return {bytes, size};
}

Result<Sha256> object_in(GVariant* parent, gsize i) {
  const auto array = child(parent, i);
  const auto bytes = bytes_of(array.get());
  Sha256 name{};
  if (bytes.size() != name.size()) return Error{Errc::corrupt, "has a name that is no SHA-256"};
  std::copy(bytes.begin(), bytes.end(), name.begin());
  return name;
}

Result<std::string> file_name_in(GVariant* entry) {
  const auto name = child(entry, 0);
  std::string text = g_variant_get_string(name.get(), nullptr);
  if (text.empty() || text == "." || text == ".." || text.find('/') != std::string::npos)
    return Error{Errc::corrupt, "has a file name that cannot be: '" + text + "'"};
  return text;
}

std::uint32_t number_in(GVariant* parent, gsize i) {
  const auto number = child(parent, i);
  return GUINT32_FROM_BE(g_variant_get_uint32(number.get()));
}

}  // namespace

Result<TreeFolder> parse_commit(GVariant* commit) {
  TreeFolder root;
  CUBE_TRY(root.tree, object_in(commit, 6));
  CUBE_TRY(root.meta, object_in(commit, 7));
  return root;
}

Result<DirTree> parse_dirtree(GVariant* dirtree) {
  DirTree parsed;
  const auto files = child(dirtree, 0);
  const auto folders = child(dirtree, 1);
  parsed.files.resize(g_variant_n_children(files.get()));
  parsed.folders.resize(g_variant_n_children(folders.get()));
  for (gsize i = 0; i < parsed.files.size(); ++i) {
    const auto entry = child(files.get(), i);
    CUBE_TRY(parsed.files[i].name, file_name_in(entry.get()));
    CUBE_TRY(parsed.files[i].object, object_in(entry.get(), 1));
  }
  for (gsize i = 0; i < parsed.folders.size(); ++i) {
    const auto entry = child(folders.get(), i);
    CUBE_TRY(parsed.folders[i].name, file_name_in(entry.get()));
    CUBE_TRY(parsed.folders[i].tree, object_in(entry.get(), 1));
    CUBE_TRY(parsed.folders[i].meta, object_in(entry.get(), 2));
  }
  const auto by_name = [](const auto& left, const auto& right) { return left.name < right.name; };
  std::sort(parsed.files.begin(), parsed.files.end(), by_name);
  std::sort(parsed.folders.begin(), parsed.folders.end(), by_name);
  return parsed;
}

Result<DirMeta> parse_dirmeta(GVariant* dirmeta) {
  DirMeta parsed{number_in(dirmeta, 0), number_in(dirmeta, 1), number_in(dirmeta, 2), {}};
  if (!S_ISDIR(parsed.mode)) return Error{Errc::corrupt, "is not of a folder"};
  const auto list = child(dirmeta, 3);
  CUBE_TRY(parsed.attributes, parse_attributes(list.get()));
  return parsed;
}

Result<Attributes> parse_attributes(GVariant* list) {
  Attributes attributes;
  for (gsize i = 0; i < g_variant_n_children(list); ++i) {
    const auto entry = child(list, i);
    const auto name = child(entry.get(), 0);
    const auto value = child(entry.get(), 1);
    auto text = bytes_of(name.get());
    // The name is written with a byte 0 at its end.
    if (text.size() < 2 || text.find('\0') != text.size() - 1)
      return Error{Errc::corrupt, "has an extended attribute without a name"};
    text.remove_suffix(1);
    attributes[std::string(text)] = bytes_of(value.get());
  }
  return attributes;
}

glib::Variant attribute_list(const Attributes& attributes) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a(ayay)"));
  for (const auto& [name, value] : attributes)
    g_variant_builder_add(
        &builder, "(@ay@ay)", g_variant_new_bytestring(name.c_str()),
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value.data(), value.size(), 1));
  return glib::Variant(g_variant_ref_sink(g_variant_builder_end(&builder)));
}

}  // namespace cube
