// The files of a slot that start it, and reading them piece by piece.
#pragma once

#include <array>
#include <functional>
#include <string>

#include "base/root_dir.h"

namespace cube {

struct KernelFile {
  const char* in_slot;
  const char* name;
};
inline constexpr std::array<KernelFile, 2> kernel_files{
    {{"boot/vmlinuz", "vmlinuz"}, {"boot/initrd.img", "initrd.img"}}};

// For reading. Errors: not_found, corrupt (empty, or no file), failed.
[[nodiscard]] Result<Fd> open_kernel_file(const RootDir& tree, const std::string& path);
// In bytes. Errors: failed.
[[nodiscard]] Result<std::uint64_t> size_of(const Fd& file);
// Gives `take` the file piece by piece, with where each begins. Errors: failed, those of `take`.
Status in_pieces(const Fd& file,
                 const std::function<Status(std::uint64_t at, const std::string& bytes)>& take);
// Errors: corrupt (`copy` at `offset` differs from `original`), failed. Read from the device and
// not from the pages that were written to it.
[[nodiscard]] Status same_bytes(const Fd& original, const Fd& copy, std::uint64_t offset);
// Room on the filesystem of `folder` for so many bytes, and for folders, clusters and entries.
// Errors: no_space, failed.
[[nodiscard]] Status has_room(const RootDir& root, const std::string& folder, std::uint64_t bytes);

}  // namespace cube
