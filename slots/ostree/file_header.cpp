#include "slots/ostree/file_header.h"

#include <sys/stat.h>

#include "slots/ostree/glib.h"

namespace cube {
namespace {

constexpr std::uint32_t permission_bits = 07777;

std::uint32_t number(GVariant* tuple, gsize i) {
  const glib::Variant child(g_variant_get_child_value(tuple, i));
  return GUINT32_FROM_BE(g_variant_get_uint32(child.get()));
}

std::string bytes_of(GVariant* tuple, gsize i) {
  const glib::Variant child(g_variant_get_child_value(tuple, i));
  gsize size = 0;
  const auto* bytes = static_cast<const char*>(g_variant_get_fixed_array(child.get(), &size, 1));
  return {bytes, size};
}

Result<std::vector<ExtendedAttribute>> attributes_in(GVariant* list) {
  std::vector<ExtendedAttribute> attributes;
  for (gsize i = 0; i < g_variant_n_children(list); ++i) {
    const glib::Variant entry(g_variant_get_child_value(list, i));
    ExtendedAttribute attribute{bytes_of(entry.get(), 0), bytes_of(entry.get(), 1)};
    // The name is written with a byte 0 at its end.
    if (attribute.name.size() < 2 || attribute.name.find('\0') != attribute.name.size() - 1)
      return Error{Errc::corrupt, "header: an extended attribute without a name"};
    attribute.name.pop_back();
    attributes.push_back(std::move(attribute));
  }
  return attributes;
}

}  // namespace

Result<std::size_t> header_length(std::string_view prefix) {
  std::size_t length = 0;
  for (std::size_t i = 0; i < 4; ++i) length = length << 8 | static_cast<std::uint8_t>(prefix[i]);
  if (length > max_header_bytes) return Error{Errc::corrupt, "header: too long"};
  return length + header_prefix_bytes;
}

Result<FileHeader> parse_file_header(std::string_view bytes) {
  const auto body = bytes.substr(header_prefix_bytes);
  GBytes* copy = g_bytes_new(body.data(), body.size());
  const glib::Variant header(
      g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE("(uuuusa(ayay))"), copy, FALSE)));
  g_bytes_unref(copy);
  if (g_variant_is_normal_form(header.get()) == FALSE)
    return Error{Errc::corrupt, "header: not as it is written"};
  FileHeader parsed{
      number(header.get(), 0), number(header.get(), 1), number(header.get(), 2), "", {}};
  const glib::Variant target(g_variant_get_child_value(header.get(), 4));
  parsed.target = g_variant_get_string(target.get(), nullptr);
  const bool link = S_ISLNK(parsed.mode);
  if ((!link && !S_ISREG(parsed.mode)) || (parsed.mode & ~(S_IFMT | permission_bits)) != 0)
    return Error{Errc::corrupt, "header: neither a file nor a symlink"};
  if (link == parsed.target.empty())
    return Error{Errc::corrupt,
                 "header: the target of a symlink is missing, or is there for a file"};
  const glib::Variant list(g_variant_get_child_value(header.get(), 5));
  CUBE_TRY(parsed.attributes, attributes_in(list.get()));
  return parsed;
}

}  // namespace cube
