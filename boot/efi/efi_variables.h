// EfiVariables: the firmware's variables, as efivarfs shows them: one file NAME-GUID each, of four
// bytes of attributes and the value. No program is needed for it.
//
// Guarantees: a variable is written by one write(2), which the firmware does whole or not at all,
// and read back. A write that would change nothing is left out: NVRAM wears. The immutable flag
// that the kernel puts on variables is taken off for the write only. Values are bounded.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/root_dir.h"

namespace cube {

// Of the Boot Loader Interface: LoaderInfo, LoaderEntryOneShot and so on.
inline constexpr std::string_view loader_guid = "4a67b082-0a4c-41cf-b6c7-440b29bb8c4f";
// Of the firmware itself: BootOrder, BootNext, Boot0000 and so on.
inline constexpr std::string_view global_guid = "8be4df61-93ca-11d2-aa0d-00e098032b8c";
inline constexpr std::size_t max_efi_value = 4096;  // bytes

class EfiVariables {
 public:
  // `root` outlives it.
  explicit EfiVariables(const RootDir& root, std::string guid = std::string(loader_guid))
      : root_(root), guid_(std::move(guid)) {}

  // Errors: cannot_arm (no UEFI, or efivarfs is not mounted: it shows not one variable).
  [[nodiscard]] Status reachable() const;

  // Before anything is written: that variables can be written, and that there is room for so many
  // bytes of names (two a character) and values, in `count` variables; as far as the kernel tells.
  // Errors: cannot_arm (mounted read-only), no_space, failed.
  [[nodiscard]] Status can_take(std::size_t bytes, std::size_t count) const;

  // Names of this GUID that begin with `prefix`, sorted. Errors: cannot_arm, failed.
  [[nodiscard]] Result<std::vector<std::string>> names(std::string_view prefix) const;

  // The value without its attributes; nullopt: not set. Errors: corrupt (too long, shorter than its
  // attributes), cannot_arm (not permitted), failed.
  [[nodiscard]] Result<std::optional<std::string>> read(std::string_view name,
                                                        std::size_t max = max_efi_value) const;
  // Non-volatile, for boot services and for us. Errors: no_space (the firmware has no room; nothing
  // was changed), cannot_arm (read-only, not permitted, no UEFI), corrupt (too long), failed.
  Status write(std::string_view name, std::string_view value);
  // Absent is fine. Errors: cannot_arm, failed.
  Status remove(std::string_view name);

  // The same for a value that is a text. Errors: also corrupt (not such a text).
  [[nodiscard]] Result<std::optional<std::string>> read_text(std::string_view name) const;
  Status write_text(std::string_view name, std::string_view text);

 private:
  [[nodiscard]] std::string path_of(std::string_view name) const;

  const RootDir& root_;
  std::string guid_;
};

// A text as the firmware stores it: UTF-16, little-endian, ended by a NUL. Printable ASCII only.
// Errors: corrupt.
[[nodiscard]] Result<std::string> encode_efi_text(std::string_view text);
// Up to the first NUL, as the loaders read it; the NUL may be missing. Errors: corrupt (an odd
// number of bytes, anything but printable ASCII).
[[nodiscard]] Result<std::string> decode_efi_text(std::string_view value);

}  // namespace cube
