// PstorePostMortem: reads what the kernel's persistent store (ERST, EFI variables, ramoops) kept of
// its last words: sys/fs/pstore/dmesg-* below the root.
//
// Records are foreign bytes: truncated, compressed, binary and huge ones are survived; compressed
// ones are kept but not read. Since set_aside() empties the store before each arming, whatever is
// there afterwards was written by a kernel that ran later. Bounded: 64 records of 256 KiB each, and
// the newest 20 folders under STATE/post-mortem.
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
  Status move_to(const std::string& folder);
  Status forget_oldest();

  const RootDir& root_;
  std::string state_;
};

// The most telling line of a kernel's log: what the initramfs said before it gave up, else the
// panic, else the first oops. At most max_detail bytes, printable. Cause::none without any.
[[nodiscard]] Evidence evidence_in(std::string_view kernel_log);

}  // namespace cube
