#include "slots/slot_pair.h"

#include <blkid/blkid.h>
#include <sys/sysmacros.h>

#include <memory>
#include <utility>

#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::string_view label_prefix = "LABEL=";
constexpr std::string_view folder_prefix = "dir:";
// In a folder appliance: a link to the folder of the slot that "runs".
constexpr const char* running_folder = "run/cube-update/root";

using Identity = std::pair<std::uint64_t, std::uint64_t>;

struct CacheCloser {
  void operator()(blkid_struct_cache* cache) const { blkid_put_cache(cache); }
};

Result<std::string> device_with_label(const std::string& label) {
  blkid_cache raw = nullptr;
  // /dev/null: no cache file, every device is probed now.
  if (blkid_get_cache(&raw, "/dev/null") != 0) return Error{Errc::failed, "blkid: no cache"};
  const std::unique_ptr<blkid_struct_cache, CacheCloser> cache(raw);
  blkid_probe_all(raw);
  std::string found;
  blkid_dev_iterate iterate = blkid_dev_iterate_begin(raw);
  blkid_dev_set_search(iterate, "LABEL", label.c_str());
  std::string twice;
  for (blkid_dev device = nullptr; blkid_dev_next(iterate, &device) == 0;) {
    device = blkid_verify(raw, device);
    if (device == nullptr) continue;
    if (found.empty())
      found = blkid_dev_devname(device);
    else
      twice = blkid_dev_devname(device);
  }
  blkid_dev_iterate_end(iterate);
  if (found.empty())
    return Error{Errc::cannot_arm, "no filesystem with the label " + label +
                                       "; name the slot's device in slots.a and slots.b"};
  if (!twice.empty())
    return Error{Errc::cannot_arm, "the label " + label + " is on " + found + " and on " + twice +
                                       "; name the slot's device in slots.a and slots.b"};
  return found;
}

// What the slot is made of: a device's number, or a folder's device and inode.
Result<Identity> identity_of(const RootDir& root, const SlotPlace& place) {
  const auto found = root.stat(place.path);
  if (!found && found.error().code == Errc::not_found)
    return Error{Errc::cannot_arm, place.path + " does not exist; see slots.a and slots.b"};
  CUBE_TRY(const auto st, found);
  if (place.is_folder) return Identity{st.st_dev, st.st_ino};
  if (!S_ISBLK(st.st_mode))
    return Error{Errc::cannot_arm, place.path + " is no block device"};
  return Identity{st.st_rdev, 0};
}

Result<Identity> identity_of_running(const RootDir& root, bool folders) {
  CUBE_TRY(const auto st, root.stat(folders ? running_folder : "/"));
  return folders ? Identity{st.st_dev, st.st_ino} : Identity{st.st_dev, 0};
}

}  // namespace

Result<SlotPlace> SlotPair::resolve(const std::string& name) const {
  if (name.starts_with(folder_prefix)) return SlotPlace{true, name.substr(folder_prefix.size())};
  if (!name.starts_with(label_prefix)) return SlotPlace{false, name};
  CUBE_TRY(auto device, device_with_label(name.substr(label_prefix.size())));
  return SlotPlace{false, std::move(device)};
}

Result<SlotPlace> SlotPair::place(SlotId slot) const {
  CUBE_TRY(auto mine, resolve(slot == SlotId::a ? config_.a : config_.b));
  CUBE_TRY(const auto others, resolve(slot == SlotId::a ? config_.b : config_.a));
  CUBE_TRY(const auto my_identity, identity_of(root_, mine));
  CUBE_TRY(const auto other_identity, identity_of(root_, others));
  if (my_identity == other_identity)
    return Error{Errc::cannot_arm, "slots a and b are one and the same: " + mine.path + " and " +
                                       others.path};
  return mine;
}

Result<SlotId> SlotPair::booted() const {
  CUBE_TRY(const auto a, place(SlotId::a));
  CUBE_TRY(const auto b, place(SlotId::b));
  CUBE_TRY(const auto running, identity_of_running(root_, a.is_folder));
  CUBE_TRY(const auto identity_a, identity_of(root_, a));
  CUBE_TRY(const auto identity_b, identity_of(root_, b));
  if (running == identity_a) return mutated("booted-by-guess") ? SlotId::b : SlotId::a;
  if (running == identity_b) return SlotId::b;
  return Error{Errc::cannot_arm, "the running system is in neither slot (" + a.path + ", " +
                                     b.path + "), so no update can be installed from it"};
}

}  // namespace cube
