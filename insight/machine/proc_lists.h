// Lists of /proc and /sys that say what a machine is, read from their text. Pure: no text is
// refused; what is no line of its list is passed over.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "insight/machine/this_machine.h"

namespace cube::insight {

// /proc/modules. Names that are no module's are passed over.
[[nodiscard]] std::map<std::string, LoadedModule> loaded_modules(std::string_view list);

struct RootMount {
  std::string device;      // "8:2"; "0:35" of a filesystem that is on no device of its own
  std::string filesystem;  // "ext4"
  std::string source;      // "/dev/sda2"
};
// What is mounted at "/" in /proc/self/mountinfo, on top; empty without any.
[[nodiscard]] RootMount root_mount(std::string_view mountinfo);

// Interfaces of the default routes, sorted: /proc/net/route, /proc/net/ipv6_route.
[[nodiscard]] Names default_interfaces(std::string_view ipv4, std::string_view ipv6);

// Words with blanks or line ends between them, in their order.
[[nodiscard]] std::vector<std::string> words_in(std::string_view text);
// What the arguments console= of a kernel's line name: "ttyS0" of "console=ttyS0,115200n8".
[[nodiscard]] std::vector<std::string> console_arguments(std::string_view line);

// A name as the kernel gives it to devices, drivers, interfaces: one part of a path, without
// control characters, at most 255 bytes.
[[nodiscard]] bool is_kernel_name(std::string_view name);
// Where a relative link in `folder` leads, "sys/devices/x" for "../../devices/x" in
// "sys/class/net";
// "" when it leaves the root, is absolute, or is too long.
[[nodiscard]] std::string joined(std::string_view folder, std::string_view target);

}  // namespace cube::insight
