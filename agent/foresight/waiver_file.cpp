#include "agent/foresight/waiver_file.h"

#include <unistd.h>

#include "base/durable_file.h"

namespace cube {
namespace {

constexpr mode_t writable_by_others = 0022;

// Absent: none.
Result<insight::Waivers> waivers_in(const RootDir& root, const std::string& file,
                                    insight::WaivedBy who) {
  const auto text = root.read_file(file, insight::max_waiver_bytes);
  if (!text && text.error().code == Errc::not_found) return insight::Waivers{};
  if (!text) return text.error();
  auto waivers = insight::read_waivers(*text, who);
  if (!waivers) return std::move(waivers).error().in(root.join(file));
  return waivers;
}

}  // namespace

Result<insight::Waivers> root_waivers(const RootDir& machine) {
  if (const auto st = machine.stat(root_waivers_file)) {
    const bool others = st->st_uid != ::geteuid() && st->st_uid != 0;
    if (others || (st->st_mode & writable_by_others) != 0)
      return Error{Errc::corrupt, machine.join(root_waivers_file) +
                                      ": others than root may write it; remove it, and waive anew"};
  }
  return waivers_in(machine, root_waivers_file, insight::WaivedBy::root);
}

Status save_root_waivers(const RootDir& machine, const insight::Waivers& waivers) {
  CUBE_CHECK(machine.make_dirs("var/lib/cube-update", 0700));
  return replace_file(machine, root_waivers_file, insight::waivers_text(waivers));
}

Result<insight::Waivers> waivers_of_release(const RootDir& tree) {
  return waivers_in(tree, insight::release_waivers_path, insight::WaivedBy::publisher);
}

Status waive(const RootDir& machine, const RootDir& tree, UnixSeconds now,
             insight::Findings& findings) {
  CUBE_TRY(auto waivers, root_waivers(machine));
  CUBE_TRY(const auto signed_ones, waivers_of_release(tree));
  waivers.insert(waivers.end(), signed_ones.begin(), signed_ones.end());
  apply_waivers(waivers, now, findings);
  return ok();
}

}  // namespace cube
