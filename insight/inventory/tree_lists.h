// The lists in a tree that an inventory is made of, read from their text. Pure: no text is refused;
// what is no line of its list is passed over.
#pragma once

#include <string>
#include <string_view>

#include "insight/inventory/inventory.h"

namespace cube::insight {

// var/lib/dpkg/status: packages that are unpacked or installed, "bash:amd64" -> version.
[[nodiscard]] Entries dpkg_packages(std::string_view status);
// Adds one; of a package that is there twice both versions stay, with a blank between, sorted.
void add_version(Entries& packages, const std::string& name, const std::string& version);
// boot/config-RELEASE: "CONFIG_XFS_FS" -> "m". Options that are not set are not in it.
[[nodiscard]] Entries kernel_options(std::string_view config);
// modules.builtin: names.
[[nodiscard]] Names built_in_modules(std::string_view list);
// modules.alias: module -> "COUNT DIGEST" of its aliases; their order does not matter.
[[nodiscard]] Entries module_aliases(std::string_view list);
// etc/default/grub: GRUB_CMDLINE_LINUX and GRUB_CMDLINE_LINUX_DEFAULT, without their quotes; of
// each the last line counts, as in a shell.
[[nodiscard]] Entries grub_arguments(std::string_view settings);

// "kernel/drivers/scsi/sd-mod.ko" for "kernel/drivers/scsi/sd-mod.ko.xz", "" for no module.
[[nodiscard]] std::string_view module_file(std::string_view path);
// "sd_mod" for it: the name that the kernel has for a module's file.
[[nodiscard]] std::string module_name(std::string_view path);
// Without the .xz, .zst or .gz at its end.
[[nodiscard]] std::string_view without_compression(std::string_view path);
// The first 16 hex digits of the SHA-256: tells contents apart, proves nothing.
[[nodiscard]] std::string short_digest(std::string_view bytes);

}  // namespace cube::insight
