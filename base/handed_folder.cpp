#include "base/handed_folder.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include <charconv>
#include <string_view>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::string_view folder_of_descriptors = "/proc/self/fd/";

}  // namespace

bool is_handed_over(const std::string& place) {
  std::string_view path = place;
  if (path.starts_with("file://")) path.remove_prefix(std::string_view("file://").size());
  return path.starts_with(folder_of_descriptors);
}

Result<Fd> open_handed_over(const std::string& path, int flags) {
  const char* end = path.data() + path.size();
  int folder = -1;
  const auto [rest, error] =
      std::from_chars(path.data() + folder_of_descriptors.size(), end, folder);
  if (error != std::errc() || folder < 0 || rest == end || *rest != '/')
    return Error{Errc::not_found, path + ": names no file in a folder that was handed over"};
  struct open_how how {};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  if (!mutated("handed-folder-left")) how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  Fd file(static_cast<int>(::syscall(SYS_openat2, folder, rest + 1, &how, sizeof how)));
  if (!file.valid()) return system_error("open " + path);
  return file;
}

}  // namespace cube
