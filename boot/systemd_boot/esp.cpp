#include "boot/systemd_boot/esp.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/durable_file.h"
#include "base/io.h"
#include "boot/efi/entry_text.h"

namespace cube {
namespace {

constexpr const char* entries_folder = "loader/entries";
constexpr const char* loader_conf = "loader/loader.conf";
constexpr std::size_t max_names = 1000;
constexpr std::size_t max_text = 64 * 1024;

}  // namespace

Result<std::vector<EspEntry>> Esp::entries() const {
  const auto files = root_.list(path(entries_folder), max_names);
  if (!files && files.error().code == Errc::not_found)
    return Error{Errc::cannot_arm, "there is no " + root_.join(path(entries_folder)) +
                                       "; is the EFI system partition mounted there (boot.esp)?"};
  if (!files) return partition_error(files.error(), root_.join(path(entries_folder)));
  std::vector<EspEntry> found;
  for (const auto& file : *files) {
    const auto id = in_lower_case(file);
    if (!id.starts_with("cube-") || !id.ends_with(".conf")) continue;
    EspEntry one{file, parse_entry_name(id), std::nullopt};
    const auto text = root_.read_file(path(entries_folder) + "/" + file, entry_bytes);
    const auto entry = text ? parse_entry(*text) : Result<BootEntry>(text.error());
    const bool fits = one.name && entry && entry->slot == one.name->slot &&
                      entry->trial == one.name->left.has_value();
    if (fits && kernels_.present(entry->slot, entry->kernel)) one.entry = *entry;
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
  if (!status) return partition_error(std::move(status).error(), root_.join(path(name)));
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
  if (!status) return partition_error(std::move(status).error(), root_.join(folder + "/" + file));
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

Status Esp::remove_unnamed_kernels() const {
  CUBE_TRY(const auto files, root_.list(path(entries_folder), max_names));
  std::string texts;
  for (const auto& file : files) {
    if (!in_lower_case(file).ends_with(".conf")) continue;
    const auto text = root_.read_file(path(entries_folder) + "/" + file, max_text);
    if (!text) return ok();  // whatever it names stays
    texts += in_lower_case(*text) + "\n";
  }
  return kernels_.remove_unnamed(texts);
}

}  // namespace cube
