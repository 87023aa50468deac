#include "boot/systemd_boot/esp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr const char* entries_folder = "loader/entries";
constexpr const char* loader_conf = "loader/loader.conf";
constexpr const char* kernels_folder = "cube/kernels";
constexpr std::size_t max_names = 1000;
constexpr std::size_t max_text = 64 * 1024;
constexpr std::size_t chunk = 256 * 1024;
// For folders, clusters and the entry itself.
constexpr std::uint64_t spare = 256 * 1024;

struct Part {
  const char* in_slot;
  const char* on_esp;
};
constexpr std::array<Part, 2> parts{
    {{"boot/vmlinuz", "vmlinuz"}, {"boot/initrd.img", "initrd.img"}}};

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

Error esp_error(Error error, const std::string& where) {
  const bool locked =
      error.sys_errno == EROFS || error.sys_errno == EACCES || error.sys_errno == EPERM;
  if (locked) error.code = Errc::cannot_arm;
  if (error.code == Errc::not_found || error.code == Errc::corrupt) error.code = Errc::failed;
  error.what = where + ": " + error.what;
  if (locked) error.what += "; remount the EFI system partition writable and try again";
  return error;
}

Result<Fd> open_part(const RootDir& tree, const std::string& path) {
  CUBE_TRY(auto file, tree.open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat " + path);
  if (!S_ISREG(st.st_mode) || st.st_size == 0)
    return Error{Errc::corrupt, path + " is empty, or no file"};
  return file;
}

Result<std::uint64_t> size_of(const Fd& file) {
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat");
  return static_cast<std::uint64_t>(st.st_size);
}

// Gives `take` the file piece by piece.
template <typename Take>
Status in_chunks(const Fd& file, const Take& take) {
  CUBE_TRY(const auto size, size_of(file));
  std::string bytes;
  for (std::uint64_t at = 0; at < size; at += bytes.size()) {
    CUBE_CHECK(read_at(file, at, std::min<std::uint64_t>(chunk, size - at), bytes));
    CUBE_CHECK(take(at, bytes));
  }
  return ok();
}

Status same(const Fd& one, const Fd& two) {
  const Error differs{Errc::corrupt, "the copy differs from the slot's file"};
  CUBE_TRY(const auto size, size_of(one));
  CUBE_TRY(const auto other_size, size_of(two));
  if (size != other_size) return differs;
  // From the device, not from the pages that were written to it.
  (void)::posix_fadvise(two.get(), 0, 0, POSIX_FADV_DONTNEED);
  std::string others;
  return in_chunks(one, [&](std::uint64_t at, const std::string& bytes) -> Status {
    CUBE_CHECK(read_at(two, at, bytes.size(), others));
    return bytes == others || mutated("sdboot-copy-not-compared") ? ok() : Status(differs);
  });
}

}  // namespace

Result<std::vector<EspEntry>> Esp::entries() const {
  const auto files = root_.list(path(entries_folder), max_names);
  if (!files && files.error().code == Errc::not_found)
    return Error{Errc::cannot_arm, "there is no " + root_.join(path(entries_folder)) +
                                       "; is the EFI system partition mounted there (boot.esp)?"};
  if (!files) return esp_error(files.error(), root_.join(path(entries_folder)));
  std::vector<EspEntry> found;
  for (const auto& file : *files) {
    const auto id = lower(file);
    if (!id.starts_with("cube-") || !id.ends_with(".conf")) continue;
    EspEntry one{file, parse_entry_name(id), std::nullopt};
    const auto text = root_.read_file(path(entries_folder) + "/" + file, entry_bytes);
    const auto entry = text ? parse_entry(*text) : Result<BootEntry>(text.error());
    const bool fits = one.name && entry && entry->slot == one.name->slot &&
                      entry->trial == one.name->left.has_value();
    if (fits) {
      const auto folder = path(kernel_folder(entry->slot, entry->kernel));
      const bool whole = std::all_of(parts.begin(), parts.end(), [&](const Part& part) {
        return root_.exists(folder + "/" + part.on_esp);
      });
      if (whole) one.entry = *entry;
    }
    found.push_back(std::move(one));
  }
  return found;
}

// Not atomic where the length changes: systemd-boot and we pass over what is cut short.
Status Esp::write_file(const std::string& name, const std::string& bytes) const {
  const auto perform = [&]() -> Status {
    const auto file_path = path(name);
    const auto old = root_.open_file(file_path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    struct stat st {};
    if (old && ::fstat(old->get(), &st) != 0) return system_error("stat");
    if (old && S_ISREG(st.st_mode) && st.st_size == static_cast<off_t>(bytes.size()))
      return overwrite_in_place(root_, file_path, bytes);
    const bool regular = old && S_ISREG(st.st_mode);  // kept: there is always something to start
    if (!regular) CUBE_CHECK(root_.remove_file(file_path));
    CUBE_TRY(const auto file,
             root_.open_file(file_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0644));
    CUBE_CHECK(write_at(file, bytes, 0));
    if (regular && ::ftruncate(file.get(), static_cast<off_t>(bytes.size())) != 0)
      return system_error("set its length");
    CUBE_CHECK(sync_file(file));
    CUBE_CHECK(sync_folder(root_, file_path.substr(0, file_path.find_last_of('/'))));
    CUBE_TRY(const auto back, root_.read_file(file_path, bytes.size()));
    return back == bytes ? ok() : Status(Error{Errc::failed, "read back differs"});
  };
  auto status = perform();
  if (!status) return esp_error(std::move(status).error(), root_.join(path(name)));
  return ok();
}

Status Esp::write_entry(const std::string& file, const BootEntry& entry) const {
  CUBE_TRY(const auto bytes, render_entry(entry));
  return write_file(std::string(entries_folder) + "/" + file, bytes);
}

Status Esp::remove_entry(const std::string& file) const {
  const auto folder = path(entries_folder);
  auto status = root_.remove_file(folder + "/" + file);
  if (status) status = sync_folder(root_, folder);
  if (!status) return esp_error(std::move(status).error(), root_.join(folder + "/" + file));
  if (root_.exists(folder + "/" + file))
    return Error{Errc::failed, root_.join(folder + "/" + file) + ": could not be removed"};
  return ok();
}

Result<SlotId> Esp::default_slot() const {
  CUBE_TRY(const auto text, root_.read_file(path(loader_conf), max_text));
  auto slot = default_of(text);
  if (!slot) return std::move(slot).error().in(root_.join(path(loader_conf)));
  return slot;
}

Status Esp::write_default(SlotId slot) const {
  const auto text = root_.read_file(path(loader_conf), max_text);
  return write_file(loader_conf, with_default(text ? *text : "", slot));
}

bool Esp::holds(const RootDir& tree, SlotId slot, std::uint32_t kernel) const {
  for (const auto& part : parts) {
    const auto original = open_part(tree, part.in_slot);
    const auto copy = open_part(root_, path(kernel_folder(slot, kernel)) + "/" + part.on_esp);
    if (!original || !copy || !same(*original, *copy)) return false;
  }
  return true;
}

Status Esp::check_room(const RootDir& tree) const {
  std::uint64_t needed = spare;
  for (const auto& part : parts) {
    CUBE_TRY(const auto file, open_part(tree, part.in_slot));
    CUBE_TRY(const auto size, size_of(file));
    needed += size;
  }
  CUBE_TRY(const auto folder, root_.open_file(folder_, O_RDONLY | O_DIRECTORY));
  struct statvfs room {};
  if (::fstatvfs(folder.get(), &room) != 0) return system_error("free space");
  const std::uint64_t free = static_cast<std::uint64_t>(room.f_bavail) * room.f_frsize;
  if (free >= needed || mutated("sdboot-room-not-checked")) return ok();
  return Error{Errc::no_space, "the EFI system partition has " + std::to_string(free) +
                                   " bytes free, and the slot's kernel and initramfs need " +
                                   std::to_string(needed)};
}

// Under a name that no entry has yet. What a cut or an error leaves is removed by the next call.
Result<std::uint32_t> Esp::copy_anew(const RootDir& tree, SlotId slot) const {
  std::uint32_t kernel = 0;
  CUBE_CHECK(root_.make_dirs(path(kernels_folder)));
  CUBE_TRY(const auto taken, root_.list(path(kernels_folder), max_names));
  while (kernel <= max_names &&
         std::any_of(taken.begin(), taken.end(), [&](const std::string& name) {
           return kernel_folder(slot, kernel) == kernels_folder + ("/" + lower(name));
         }))
    ++kernel;
  const auto folder = path(kernel_folder(slot, kernel));
  CUBE_CHECK(root_.make_dirs(folder));
  for (const auto& part : parts) {
    CUBE_TRY(const auto original, open_part(tree, part.in_slot));
    CUBE_TRY(const auto copy, root_.open_file(folder + "/" + part.on_esp,
                                              O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
    CUBE_CHECK(in_chunks(original, [&](std::uint64_t at, const std::string& bytes) {
      return write_at(copy, bytes, static_cast<off_t>(at));
    }));
    CUBE_CHECK(sync_file(copy));
  }
  for (const auto& synced : {folder, path(kernels_folder), path("cube"), folder_})
    CUBE_CHECK(sync_folder(root_, synced));
  if (!holds(tree, slot, kernel))
    return Error{Errc::failed, "the copy of the kernel reads back different from the slot's"};
  return kernel;
}

Result<std::uint32_t> Esp::place_kernel(const KernelSource& source, SlotId slot,
                                        std::optional<std::uint32_t> known) const {
  std::uint32_t kernel = 0;
  const auto read = [&](const RootDir& tree) -> Status {
    if (known && holds(tree, slot, *known)) {
      kernel = *known;
      return ok();
    }
    if (const auto room = check_room(tree); !room)
      return room.error().code == Errc::not_found
                 ? Status(Error{Errc::cannot_arm, "slot " + std::string(to_string(slot)) +
                                                      " has no kernel: " + room.error().what})
                 : room;
    auto copied = copy_anew(tree, slot);
    if (!copied) return esp_error(std::move(copied).error(), root_.join(path(kernels_folder)));
    kernel = *copied;
    return ok();
  };
  CUBE_CHECK(source.with_tree(slot, read));
  return kernel;
}

Status Esp::remove_unnamed_kernels() const {
  const auto folders = root_.list(path(kernels_folder), max_names);
  if (!folders && folders.error().code == Errc::not_found) return ok();
  if (!folders) return esp_error(folders.error(), root_.join(path(kernels_folder)));
  CUBE_TRY(const auto files, root_.list(path(entries_folder), max_names));
  std::string texts;
  for (const auto& file : files) {
    if (!lower(file).ends_with(".conf")) continue;
    const auto text = root_.read_file(path(entries_folder) + "/" + file, max_text);
    if (!text) return ok();  // whatever it names stays
    texts += lower(*text) + "\n";
  }
  for (const auto& folder : *folders) {
    const auto whole = std::string(kernels_folder) + "/" + lower(folder) + "/";
    if (texts.find(whole) != std::string::npos && !mutated("sdboot-named-kernel-removed")) continue;
    auto status = root_.remove_tree(path(kernels_folder) + "/" + folder);
    if (status) status = sync_folder(root_, path(kernels_folder));
    if (!status) return esp_error(std::move(status).error(), root_.join(path(kernels_folder)));
  }
  return ok();
}

}  // namespace cube
