#include "slots/ostree/attributes.h"

#include <sys/xattr.h>

namespace cube {

Result<Attributes> attributes_of(const Fd& fd, const std::string& path) {
  std::string names(65536, '\0'), value(65536, '\0');  // the kernel's own limits
  const auto length = ::flistxattr(fd.get(), names.data(), names.size());
  if (length < 0 && errno == ENOTSUP) return Attributes{};
  if (length < 0) return system_error("list the extended attributes of " + path);
  names.resize(static_cast<std::size_t>(length));
  Attributes attributes;
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.data() + at) + 1) {
    const char* name = names.data() + at;
    const auto size = ::fgetxattr(fd.get(), name, value.data(), value.size());
    if (size < 0)
      return system_error("read extended attribute " + std::string(name) + " of " + path);
    attributes[name] = value.substr(0, static_cast<std::size_t>(size));
  }
  return attributes;
}

}  // namespace cube
