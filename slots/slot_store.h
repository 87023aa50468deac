// SlotStore: the port to what the two slots hold. Implemented by slots/ostree/ over SlotPair.
//
// Guarantees: the booted slot is never written (recognised by device number, not by name; both
// slots on one device are refused); every call is repeatable after a power cut; a seal exists only
// on a slot whose content was completely re-read and verified after its last change, but for state
// that carry_over() takes along, and is on the device before seal() returns. Errors name the
// object, path or device. Not thread-safe: the updater's loop is the only caller, under the lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/http/http_client.h"
#include "base/http/mirrors.h"
#include "base/progress.h"
#include "base/result.h"
#include "model/release.h"
#include "model/seal.h"
#include "model/slot_id.h"

namespace cube {

// Where a release's objects come from: its packs, and an archive-mode ostree repository.
struct ObjectSource {
  std::string url;  // of the repository: http://, https:// or file:///; from the configuration or
                    // the command line
  HttpConfig http{};
  std::vector<std::string> packs{};  // URL of each pack that the release names; or none
  // Folder below the root, of this release alone, that stage() fills and fill() looks into before
  // it asks anybody else. It may be missing. "": none.
  std::string staging{};
  std::uint64_t staging_max = 0;  // bytes that it may hold; 0: as many as the disk has to spare
  std::shared_ptr<Mirrors> mirrors{};  // asked before packs and `url`; null: none
};

class SlotStore {
 public:
  virtual ~SlotStore() = default;

  // The slot the running system's root is on. Errors: cannot_arm (neither slot, or both).
  [[nodiscard]] virtual Result<SlotId> booted() const = 0;

  // nullopt: no seal, or none that can be read. Errors: failed.
  [[nodiscard]] virtual Result<std::optional<Seal>> seal_of(SlotId slot) const = 0;

  // Downloads into `source.staging` all that fill() would fetch for this release, given what the
  // two slots hold now, so that a later fill() needs no `url`. Changes no slot, sealed or not.
  // Repeatable: what is there and whole is not fetched again. Durable when it returns ok; what a
  // cancelled or cut stage() leaves is used by the next one. The amount is checked before the first
  // byte with check_staging() (slots/staging.h). Errors: no_space (folder's limit, disk),
  // unreachable, corrupt, untrusted, cancelled, failed.
  virtual Status stage(SlotId target, const Release& release, const ObjectSource& source,
                       const ProgressSink& progress) = 0;

  // Removes the seal, durably, before anything else of the slot changes. An unusable slot counts as
  // unsealed. Errors: bug (booted slot), failed.
  virtual Status unseal(SlotId target) = 0;

  // Makes the slot's tree exactly the release's: mkfs when it is unusable or lacks what the loader
  // can read, objects from the slot itself (checked), then the booted slot (checked), then the
  // staging folder (checked), then the source; checkout; state carried over (/etc, /var); synced.
  // Space and inodes are checked before the first byte. Once `progress` is cancelled it ends soon,
  // and the next fill() goes on with what is there. Errors: no_space, unreachable, corrupt,
  // cannot_arm (filesystem the loader cannot read), cancelled, failed, bug (booted or sealed slot).
  virtual Status fill(SlotId target, const Release& release, const ObjectSource& source,
                      const ProgressSink& progress) = 0;

  // Once more what fill() carried over of the running system, into a sealed slot: what was changed
  // in between. Nothing of the release but /etc and what is carried over changes; synced.
  // Errors: corrupt, no_space, failed, bug (booted slot).
  virtual Status carry_over(SlotId target, const Release& release) = 0;

  // Re-reads every object and every path of the slot and compares them with the release's commit.
  // Unexpected or missing paths are errors, too. Errors: corrupt, cancelled, failed.
  virtual Status verify(SlotId target, const Release& release, const ProgressSink& progress) = 0;

  // The same for a slot that has run since it was sealed: /etc, /var and what was carried over may
  // be different, and paths that the running system added are left alone. No ground for a new seal.
  // Errors: corrupt, cancelled, failed.
  virtual Status verify_after_use(SlotId target, const Release& release,
                                  const ProgressSink& progress) = 0;

  // Writes the seal; only after verify() returned ok in this process and nothing changed since.
  // Errors: bug (not verified, booted slot), no_space, failed.
  virtual Status seal(SlotId target, const Release& release, std::uint64_t attempt) = 0;
};

}  // namespace cube
