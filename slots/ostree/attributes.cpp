#include "slots/ostree/attributes.h"

#include <sys/types.h>
#include <sys/xattr.h>

#include <cerrno>
#include <cstring>
#include <functional>

namespace cube {
namespace {

constexpr std::size_t max_bytes = 65536;  // of all names, and of a value: the kernel's own limits

// As listxattr(2) and getxattr(2) without the file; a size of 0 asks how much there is.
struct Calls {
  std::function<ssize_t(char*, std::size_t)> list;
  std::function<ssize_t(const char*, char*, std::size_t)> get;
};

Result<Attributes> all(const Calls& calls, const std::string& path) {
  Attributes attributes;
  // Most files have none.
  const auto there = calls.list(nullptr, 0);
  if (there == 0 || (there < 0 && errno == ENOTSUP)) return attributes;
  std::string names(max_bytes, '\0'), value(max_bytes, '\0');
  const auto length = there < 0 ? there : calls.list(names.data(), names.size());
  if (length < 0) return system_error("list the extended attributes of " + path);
  names.resize(static_cast<std::size_t>(length));
  for (std::size_t at = 0; at < names.size(); at += std::strlen(names.data() + at) + 1) {
    const char* name = names.data() + at;
    const auto size = calls.get(name, value.data(), value.size());
    if (size < 0)
      return system_error("read extended attribute " + std::string(name) + " of " + path);
    attributes[name] = value.substr(0, static_cast<std::size_t>(size));
  }
  return attributes;
}

}  // namespace

Result<Attributes> attributes_of(const Fd& fd, const std::string& path) {
  return all({[&](char* names, std::size_t size) { return ::flistxattr(fd.get(), names, size); },
              [&](const char* name, char* value, std::size_t size) {
                return ::fgetxattr(fd.get(), name, value, size);
              }},
             path);
}

Result<Attributes> attributes_of_link(const std::string& path) {
  return all(
      {[&](char* names, std::size_t size) { return ::llistxattr(path.c_str(), names, size); },
       [&](const char* name, char* value, std::size_t size) {
         return ::lgetxattr(path.c_str(), name, value, size);
       }},
      path);
}

}  // namespace cube
