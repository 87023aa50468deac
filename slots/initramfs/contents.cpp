#include "slots/initramfs/contents.h"

#include <algorithm>
#include <string_view>

#include "slots/initramfs/cpio_image.h"
#include "slots/initramfs/expand.h"

namespace cube {
namespace {

constexpr std::size_t max_members = 100'000;
constexpr std::size_t max_early = 100;

std::string kernel_name(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

std::string_view without(std::string_view name,
                         std::initializer_list<std::string_view> extensions) {
  for (const auto extension : extensions)
    if (name.ends_with(extension)) return name.substr(0, name.size() - extension.size());
  return name;
}

// "usr/lib/modules/6.1.0-42-amd64/kernel/drivers/scsi/megaraid/megaraid_sas.ko.xz"
void add(std::string_view path, InitramfsContents& contents) {
  if (path.starts_with("./")) path.remove_prefix(2);
  if (path.starts_with("usr/")) path.remove_prefix(4);
  for (const std::string_view place : {"bin/", "sbin/", "lib/systemd/"})
    if (path.starts_with(place) && path.find('/', place.size()) == std::string_view::npos)
      contents.programs.emplace(path.substr(place.size()));
  path = without(path, {".xz", ".zst", ".gz"});
  if (constexpr std::string_view place = "lib/firmware/"; path.starts_with(place))
    contents.firmware.emplace(path.substr(place.size()));
  if (!path.starts_with("lib/modules/") || !path.ends_with(".ko")) return;
  path = without(path.substr(path.find_last_of('/') + 1), {".ko"});
  contents.modules.insert(kernel_name(std::string(path)));
}

// Whoever has more members than that has no initramfs for a machine.
Error too_many(const std::string& name) {
  return {Errc::invalid, name + ": has too many members"};
}

}  // namespace

bool InitramfsContents::has_module(std::string name) const {
  return modules.count(kernel_name(std::move(name))) != 0;
}

Result<InitramfsContents> initramfs_contents(const Fd& image, const Fd& scratch,
                                             const std::string& name) {
  if (const auto done = expand_initramfs(image, scratch, name); !done) return Error(done.error());
  CUBE_TRY(const auto whole, CpioImage::open(scratch, name));
  InitramfsContents contents;
  std::size_t members = 0;
  const auto on_member = [&](const CpioImage::Member& member) -> Status {
    if (++members > max_members) return too_many(name);
    add(member.name, contents);
    if (member.name.find("kernel/x86/microcode/") != std::string_view::npos &&
        contents.microcode.size() < max_early)
      contents.microcode.push_back({std::string(member.name), member.at, member.size});
    return ok();
  };
  for (std::uint64_t at = 0; at < whole.size();) {
    CUBE_TRY(at, whole.after_zeros(at));
    if (at == whole.size()) break;
    CUBE_TRY(at, whole.after_cpio(at, on_member));
  }
  return contents;
}

Result<std::set<std::string>> early_members(const Fd& image, const std::string& name) {
  std::set<std::string> names;
  CUBE_TRY(const auto whole, CpioImage::open(image, name));
  CUBE_TRY(const auto begin, whole.read(0, 6));
  if (!is_cpio(begin)) return names;
  const auto on_member = [&](const CpioImage::Member& member) -> Status {
    if (names.size() == max_members) return too_many(name);
    const auto path = member.name;
    names.emplace(path.starts_with("./") ? path.substr(2) : path);
    return ok();
  };
  if (const auto end = whole.after_cpio(0, on_member); !end) return Error(end.error());
  return names;
}

}  // namespace cube
