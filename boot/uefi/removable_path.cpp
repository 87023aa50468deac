#include "boot/uefi/removable_path.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"
#include "boot/cmdline.h"
#include "boot/efi/kernel_copies.h"
#include "boot/efi/kernel_files.h"
#include "boot/efi/unified_kernel.h"

namespace cube {
namespace {

constexpr const char* stub_file = "usr/lib/systemd/boot/efi/linuxx64.efi.stub";
constexpr const char* arguments_section = ".cmdline";
constexpr std::array<const char*, 2> kernel_sections{".linux", ".initrd"};  // as kernel_files
constexpr std::size_t magic = 2;                                            // "MZ"
constexpr std::size_t max_text = 4096;

Result<std::string> read_begin(const Fd& file, std::size_t most) {
  CUBE_TRY(const auto size, size_of(file));
  std::string bytes;
  CUBE_CHECK(read_at(file, 0, std::min<std::uint64_t>(size, most), bytes));
  return bytes;
}

const PeSection* find(const std::vector<PeSection>& sections, std::string_view name) {
  for (const auto& one : sections)
    if (one.name == name) return &one;
  return nullptr;
}

// "" where there is none.
std::string arguments_in(const Fd& file, const std::vector<PeSection>& sections) {
  const auto* section = find(sections, arguments_section);
  std::string text;
  if (section == nullptr || section->size > max_text ||
      !read_at(file, section->offset, section->size, text))
    return "";
  return text.substr(0, text.find('\0'));
}

std::string without_canary(const std::string& arguments) {
  return arguments.substr(0, arguments.find(" cube.canary="));
}

}  // namespace

RemovablePath::Found RemovablePath::look() const {
  const auto st = root_.stat(file_);
  if (st && S_ISREG(st->st_mode) && st->st_size == 0) return {Kind::unfinished, ""};
  const auto file = open_kernel_file(root_, file_);
  if (!file) return {file.error().code == Errc::not_found ? Kind::absent : Kind::foreign, ""};
  const auto head = read_begin(*file, max_pe_head);
  if (!head) return {Kind::foreign, ""};
  if (head->size() > 1 && head->at(1) == '\0') return {Kind::unfinished, ""};
  const auto sections = pe_sections(*head);
  if (!sections) return {Kind::foreign, ""};
  const auto text = arguments_in(*file, *sections);
  const bool ours = text.starts_with("root=LABEL=cube-") && parse_cmdline(text).slot;
  return {ours ? Kind::ours : Kind::foreign, text};
}

bool RemovablePath::holds(const RootDir& tree, SlotId slot) const {
  const auto file = open_kernel_file(root_, file_);
  const auto head = file ? read_begin(*file, max_pe_head) : Result<std::string>(file.error());
  const auto sections = head ? pe_sections(*head) : Result<std::vector<PeSection>>(head.error());
  if (!sections || parse_cmdline(arguments_in(*file, *sections)).slot != slot) return false;
  for (std::size_t i = 0; i < kernel_files.size(); ++i) {
    const auto* section = find(*sections, kernel_sections.at(i));
    const auto original = open_kernel_file(tree, kernel_files.at(i).in_slot);
    if (section == nullptr || !original || size_of(*original).value() != section->size ||
        !same_bytes(*original, *file, section->offset))
      return false;
  }
  return true;
}

Status RemovablePath::remove() const {
  if (!root_.exists(file_)) return ok();
  auto status = root_.remove_file(file_);
  if (status) status = sync_folder(root_, partition_ + "/EFI/BOOT");
  return status ? ok() : Status(partition_error(std::move(status).error(), root_.join(file_)));
}

Status RemovablePath::remove_other(SlotId fallback) const {
  const auto found = look();
  const bool other = found.kind == Kind::ours && parse_cmdline(found.arguments).slot != fallback;
  return other && !mutated("uefi-removable-path-left-behind") ? remove() : ok();
}

// Errors: not_found, corrupt, no_space (there will be none), failed.
Result<RemovablePath::Plan> RemovablePath::plan(const RootDir& tree,
                                                const std::string& arguments) const {
  Plan plan;
  CUBE_TRY(const auto stub, tree.read_file(stub_file, max_stub));
  std::vector<NewSection> wanted = {{arguments_section, arguments.size()}};
  for (std::size_t i = 0; i < kernel_files.size(); ++i) {
    CUBE_TRY(auto file, open_kernel_file(tree, kernel_files.at(i).in_slot));
    CUBE_TRY(const auto size, size_of(file));
    wanted.push_back({kernel_sections.at(i), size});
    plan.files.push_back(std::move(file));
  }
  CUBE_TRY(plan.made, extend_stub(stub, wanted));
  CUBE_CHECK(has_room(root_, partition_, plan.made.size));
  return plan;
}

Status RemovablePath::write(const Plan& plan, const std::string& arguments) const {
  const std::string_view begin = plan.made.begin;
  const auto& sections = plan.made.sections;
  const auto folder = partition_ + "/EFI/BOOT";
  CUBE_CHECK(root_.make_dirs(folder));
  CUBE_TRY(const auto copy, root_.open_file(file_, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0644));
  CUBE_CHECK(write_at(copy, begin.substr(magic), magic));
  CUBE_CHECK(write_at(copy, arguments, static_cast<off_t>(sections.at(0).offset)));
  for (std::size_t i = 0; i < plan.files.size(); ++i)
    CUBE_CHECK(in_pieces(plan.files[i], [&](std::uint64_t at, const std::string& bytes) {
      return write_at(copy, bytes, static_cast<off_t>(sections.at(i + 1).offset + at));
    }));
  if (::ftruncate(copy.get(), static_cast<off_t>(plan.made.size)) != 0)
    return system_error("set its length");
  CUBE_CHECK(sync_file(copy));
  CUBE_CHECK(write_at(copy, begin.substr(0, magic), 0));
  CUBE_CHECK(sync_file(copy));
  for (const auto& synced : {folder, partition_ + "/EFI", partition_})
    CUBE_CHECK(sync_folder(root_, synced));
  return ok();
}

Status RemovablePath::follow(const KernelSource& source, SlotId slot,
                             const std::string& arguments) const {
  const auto perform = [&](const RootDir& tree) -> Status {
    const auto found = look();
    if (found.kind == Kind::foreign) return ok();
    const bool right = found.kind == Kind::ours && holds(tree, slot);
    if (right &&
        (without_canary(found.arguments) == without_canary(arguments) || !tree.exists(stub_file)))
      return ok();
    CUBE_CHECK(remove());
    const auto possible = plan(tree, arguments);
    const auto code = possible ? Errc::bug : possible.error().code;
    if (code == Errc::not_found || code == Errc::corrupt || code == Errc::no_space) return ok();
    if (!possible) return possible.error();
    auto written = write(*possible, arguments);
    if (written && holds(tree, slot)) return ok();
    (void)remove();
    if (written) written = Error{Errc::failed, "reads back different from what was written"};
    return partition_error(std::move(written).error(), root_.join(file_));
  };
  return source.with_tree(slot, perform);
}

}  // namespace cube
