#include "boot/efi/efi_variables.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* folder = "sys/firmware/efi/efivars";
// Non-volatile, with access for boot services and at runtime.
constexpr std::string_view attributes("\x07\x00\x00\x00", 4);
constexpr long efivarfs_magic = 0xde5e81e4;
// What a new variable costs besides name and value. An estimate of the kernel's own.
constexpr std::uint64_t overhead = 128;

bool is_printable(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

Error variable_error(Error error, std::string_view name) {
  const bool locked =
      error.sys_errno == EROFS || error.sys_errno == EACCES || error.sys_errno == EPERM;
  if (locked) error.code = Errc::cannot_arm;
  error.what = "EFI variable " + std::string(name) + ": " + error.what;
  if (locked) error.what += "; is efivarfs mounted, and writable?";
  if (error.code == Errc::no_space) error.what += "; the firmware has no room for its variables";
  return error;
}

// Takes the immutable flag off while it lives. A filesystem without such flags has none to take
// off.
class Mutable {
 public:
  Mutable(const RootDir& root, const std::string& path) {
    auto opened = root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    if (!opened) return;
    file_ = std::move(*opened);
    int flags = 0;
    if (::ioctl(file_.get(), FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_IMMUTABLE_FL) == 0)
      return;
    flags_ = flags;
    int without = flags & ~FS_IMMUTABLE_FL;
    taken_ = ::ioctl(file_.get(), FS_IOC_SETFLAGS, &without) == 0;
  }
  Mutable(const Mutable&) = delete;
  Mutable& operator=(const Mutable&) = delete;
  ~Mutable() {
    if (taken_) ::ioctl(file_.get(), FS_IOC_SETFLAGS, &flags_);
  }

 private:
  Fd file_;
  int flags_ = 0;
  bool taken_ = false;
};

// As far as the kernel tells: older ones show no numbers, and then the firmware answers the write.
Status check_room(const Fd& file, std::size_t bytes, std::size_t count = 1) {
  struct statfs room {};
  if (::fstatfs(file.get(), &room) != 0 || room.f_type != efivarfs_magic || room.f_blocks == 0)
    return ok();
  const auto free =
      static_cast<std::uint64_t>(room.f_bavail) * static_cast<std::uint64_t>(room.f_bsize);
  const auto needed = bytes + count * overhead;
  if (free >= needed) return ok();
  return Error{Errc::no_space, std::to_string(free) + " bytes are free, and " +
                                   std::to_string(needed) + " are needed"};
}

// One write for the whole variable. Its length is the file's; only a folder that plays efivarfs
// leaves the end of a longer one.
Status write_whole(const Fd& file, const std::string& bytes) {
  const auto written = ::write(file.get(), bytes.data(), bytes.size());
  if (written < 0) return system_error("write");
  if (static_cast<std::size_t>(written) != bytes.size())
    return Error{Errc::failed, "was not written whole"};
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  if (static_cast<std::size_t>(st.st_size) > bytes.size() &&
      ::ftruncate(file.get(), static_cast<off_t>(bytes.size())) != 0)
    return system_error("set its length");
  return ok();
}

}  // namespace

std::string EfiVariables::path_of(std::string_view name) const {
  return std::string(folder) + "/" + std::string(name) + "-" + guid_;
}

Status EfiVariables::reachable() const {
  const auto names = root_.list(folder);
  if (!names && names.error().code == Errc::not_found)
    return Error{Errc::cannot_arm,
                 "this machine was not started by UEFI: there is no /" + std::string(folder)};
  if (!names) return variable_error(names.error(), "folder");
  if (names->empty())
    return Error{Errc::cannot_arm,
                 "/" + std::string(folder) + " is empty; mount efivarfs there and try again"};
  return ok();
}

Status EfiVariables::can_take(std::size_t bytes, std::size_t count) const {
  const auto check = [&]() -> Status {
    CUBE_TRY(const auto opened, root_.open_file(folder, O_RDONLY | O_DIRECTORY));
    struct statvfs mounted {};
    if (::fstatvfs(opened.get(), &mounted) != 0) return system_error("free space");
    if ((mounted.f_flag & ST_RDONLY) != 0) return system_error("mount", EROFS);
    return check_room(opened, bytes, count);
  };
  auto status = check();
  return status ? status : Status(variable_error(std::move(status).error(), "folder"));
}

Result<std::vector<std::string>> EfiVariables::names(std::string_view prefix) const {
  const auto files = root_.list(folder);
  if (!files) return variable_error(files.error(), "folder");
  const auto suffix = "-" + guid_;
  std::vector<std::string> found;
  for (const auto& file : *files)
    if (file.starts_with(prefix) && file.ends_with(suffix) &&
        file.size() >= prefix.size() + suffix.size())
      found.push_back(file.substr(0, file.size() - suffix.size()));
  return found;
}

Result<std::optional<std::string>> EfiVariables::read(std::string_view name,
                                                       std::size_t max) const {
  auto bytes = root_.read_file(path_of(name), max + attributes.size());
  if (!bytes && bytes.error().code == Errc::not_found) return std::optional<std::string>();
  if (!bytes) return variable_error(std::move(bytes).error(), name);
  if (bytes->empty()) return std::optional<std::string>();  // made, and not yet written
  if (bytes->size() < attributes.size())
    return Error{Errc::corrupt, "EFI variable " + std::string(name) + ": is too short"};
  return std::optional(bytes->substr(attributes.size()));
}

Status EfiVariables::write(std::string_view name, std::string_view value) {
  if (value.empty() || value.size() > max_efi_value)
    return Error{Errc::corrupt, "EFI variable " + std::string(name) + ": the value is too long"};
  const auto old = read(name);
  if (old && *old && **old == value && !mutated("efi-writes-again")) return ok();
  const auto perform = [&]() -> Status {
    const Mutable immutable_off(root_, path_of(name));
    CUBE_TRY(const auto file,
             root_.open_file(path_of(name), O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644));
    CUBE_CHECK(check_room(file, value.size() + 2 * name.size()));
    return write_whole(file, std::string(attributes) + std::string(value));
  };
  if (auto status = perform(); !status) {
    auto error = std::move(status).error();
    if (error.code == Errc::not_found) error.code = Errc::cannot_arm;  // no such folder
    return variable_error(std::move(error), name);
  }
  CUBE_TRY(const auto back, read(name));
  if (!back || *back != value)
    return Error{Errc::failed,
                 "EFI variable " + std::string(name) + ": read back differs from what was written"};
  return ok();
}

Status EfiVariables::remove(std::string_view name) {
  const auto path = path_of(name);
  if (!root_.exists(path)) return ok();
  {
    const Mutable immutable_off(root_, path);
    if (auto status = root_.remove_file(path); !status)
      return variable_error(std::move(status).error(), name);
  }
  if (root_.exists(path))
    return Error{Errc::failed, "EFI variable " + std::string(name) + ": could not be removed"};
  return ok();
}

Result<std::optional<std::string>> EfiVariables::read_text(std::string_view name) const {
  CUBE_TRY(const auto value, read(name));
  if (!value) return std::optional<std::string>();
  auto text = decode_efi_text(*value);
  if (!text) return std::move(text).error().in("EFI variable " + std::string(name));
  return std::optional(std::move(*text));
}

Status EfiVariables::write_text(std::string_view name, std::string_view text) {
  CUBE_TRY(const auto value, encode_efi_text(text));
  return write(name, value);
}

Result<std::string> encode_efi_text(std::string_view text) {
  std::string value;
  for (const char c : text) {
    if (!is_printable(static_cast<unsigned char>(c)))
      return Error{Errc::corrupt, "has a character that is not printable ASCII"};
    value.push_back(c);
    value.push_back('\0');
  }
  value.append(2, '\0');
  return value;
}

Result<std::string> decode_efi_text(std::string_view value) {
  if (value.size() % 2 != 0) return Error{Errc::corrupt, "is no text: half a character"};
  std::string text;
  for (std::size_t at = 0; at < value.size(); at += 2) {
    if (value[at] == '\0' && value[at + 1] == '\0') break;
    if (value[at + 1] != '\0' || !is_printable(static_cast<unsigned char>(value[at])))
      return Error{Errc::corrupt, "is no text of printable ASCII"};
    text.push_back(value[at]);
  }
  return text;
}

}  // namespace cube
