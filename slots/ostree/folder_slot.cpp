#include "slots/ostree/folder_slot.h"

#include <vector>

#include "slots/ostree/slot_tree.h"
#include "slots/seal_file.h"

namespace cube {

Status install_in_folder(const RootDir& folder, const Release& release, const ObjectSource& source,
                         const ProgressSink& progress) {
  const SlotsConfig nothing_carried;
  SlotTree tree(folder, nothing_carried);
  CUBE_CHECK(remove_seal(folder));
  CUBE_CHECK(tree.fill(release, source, nullptr, {}, progress));
  std::vector<ObjectId> damaged;
  CUBE_CHECK(tree.verify(release, progress, damaged));
  return write_seal(
      folder, Seal{release.name.text, release.manifest_sha256, release.commit, release.epoch, 0});
}

}  // namespace cube
