#include "slots/ostree/file_header.h"

#include <sys/stat.h>

#include "slots/ostree/tree_objects.h"

namespace cube {
namespace {

constexpr std::uint32_t permission_bits = 07777;

std::uint32_t number(GVariant* tuple, gsize i) {
  const glib::Variant child(g_variant_get_child_value(tuple, i));
  return GUINT32_FROM_BE(g_variant_get_uint32(child.get()));
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
  CUBE_TRY(parsed.attributes, parse_attributes(list.get()));
  return parsed;
}

std::string file_header_bytes(const FileHeader& header) {
  const auto big_endian = [](std::uint32_t number) { return GUINT32_TO_BE(number); };
  const auto attributes = attribute_list(header.attributes);
  const glib::Variant body(g_variant_ref_sink(g_variant_new(
      "(uuuus@a(ayay))", big_endian(header.uid), big_endian(header.gid), big_endian(header.mode),
      big_endian(0), header.target.c_str(), attributes.get())));
  const auto length = g_variant_get_size(body.get());
  std::string bytes(header_prefix_bytes, '\0');
  for (std::size_t i = 0; i < 4; ++i) bytes[3 - i] = static_cast<char>(length >> (8 * i));
  bytes.append(static_cast<const char*>(g_variant_get_data(body.get())), length);
  return bytes;
}

}  // namespace cube
