// What single lines of a log name: kernels, modules, devices, file systems. Pure; "" when a line
// does not name any.
#pragma once

#include <string>
#include <string_view>

namespace cube {

// "Linux version X (...", "Not tainted X #1", "version magic ... should be 'X ...'"
[[nodiscard]] std::string kernel_in(std::string_view line);
// The module that a line of modprobe, insmod or the kernel's loader is about.
[[nodiscard]] std::string module_in(std::string_view line);
// "/dev/sda2", "LABEL=root", "UUID=...": the device that is missing or cannot be mounted.
[[nodiscard]] std::string device_in(std::string_view line);
[[nodiscard]] std::string filesystem_in(std::string_view line);
// "root=X" in a command line.
[[nodiscard]] std::string argument_in(std::string_view line, std::string_view name);
// "do_exit" and its module in "  do_exit.cold+0x15/0x15 [megaraid_sas]".
struct StackFrame {
  std::string function;
  std::string module;
};
[[nodiscard]] StackFrame frame_in(std::string_view line);

// A module that is a file system, or that one needs.
[[nodiscard]] bool is_filesystem_module(std::string_view module);

}  // namespace cube
