// PstorePostMortem: reads what the kernel's persistent store (ERST, EFI variables, ramoops) kept of
// its last words: sys/fs/pstore/dmesg-* below the root.
//
// Records are foreign bytes: truncated, compressed, binary and huge ones are survived; compressed
// ones are kept but not read. Since set_aside() empties the store before each arming, whatever is
// there afterwards was written by a kernel that ran later. Bounded: looked at are 64 records, of
// each the first 256 KiB; kept are 64 records or 1 MiB per folder, and the newest 20 folders under
// STATE/post-mortem. A record is erased only after its copy is on the disk; a repetition after a
// cut does not copy it twice.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/postmortem/post_mortem.h"

namespace cube {

class PstorePostMortem final : public PostMortem {
 public:
  // `root` outlives it; `state` (var/lib/cube-update) is below it.
  PstorePostMortem(const RootDir& root, std::string state)
      : root_(root), state_(std::move(state)) {}

  [[nodiscard]] Result<Evidence> look() const override;
  Status keep(std::uint64_t attempt) override;
  Status set_aside() override;

 private:
  [[nodiscard]] Result<std::vector<std::string>> records() const;
  struct Room {
    std::size_t files = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Result<Room> room_of(const std::string& folder) const;
  Status move_to(const std::string& name);
  Status copy(const std::string& record, const std::string& folder);
  Status forget_oldest();

  const RootDir& root_;
  std::string state_;
};

// The most telling line of a kernel's log, as diagnose() finds it: what the initramfs said before
// it gave up, else the panic, else the first oops, and the kernel's release where the log names it.
// At most max_detail bytes, printable. Cause::none without any.
[[nodiscard]] Evidence evidence_in(std::string_view kernel_log);

}  // namespace cube
