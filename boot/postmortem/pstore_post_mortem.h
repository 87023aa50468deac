// PstorePostMortem: reads what the kernel's persistent store (ERST, EFI variables, ramoops) kept of
// its last words: sys/fs/pstore/dmesg-* below the root, and what systemd-pstore has already moved
// into its archive. Keeps the trial's marks (trial_marks.h) beside them.
//
// Records are foreign bytes: truncated, compressed, binary and huge ones are survived; compressed
// ones are kept but not read. Since set_aside() empties the store before each arming, whatever is
// there afterwards was written by a kernel that ran later. Bounded: looked at are 64 records, of
// each the first 256 KiB; kept are 64 records or 1 MiB per folder, and the newest 20 folders under
// STATE/post-mortem. A record is erased only after its copy is on the disk; a repetition after a
// cut does not copy it twice.
//
// What the agent cannot empty (the archive, the marks) is told apart by STATE/seen-records
// (seen_before.h); an archive or a slot that cannot be read is no evidence, and no error.
#pragma once

#include <string>

#include "base/root_dir.h"
#include "boot/postmortem/post_mortem.h"
#include "boot/postmortem/pstore_archive.h"
#include "boot/postmortem/trial_marks.h"

namespace cube {

class PstorePostMortem final : public PostMortem {
 public:
  // `root` outlives it; `state` (var/lib/cube-update) is below it.
  PstorePostMortem(const RootDir& root, std::string state, ReadMarks read_marks = {})
      : root_(root), state_(std::move(state)), read_marks_(std::move(read_marks)) {}

  [[nodiscard]] Result<Evidence> look() const override;
  Status keep(std::uint64_t attempt) override;
  Status set_aside() override;

 private:
  [[nodiscard]] Result<std::vector<std::string>> records(std::string_view kind) const;
  struct Room {
    std::size_t files = 0;
    std::size_t bytes = 0;
  };
  [[nodiscard]] Result<Room> room_of(const std::string& folder) const;
  [[nodiscard]] std::vector<ArchivedRecord> archived() const;
  [[nodiscard]] Result<std::vector<Mark>> marks() const;
  Status move_to(const std::string& name);
  Status copy(const std::string& path, const std::string& name, const std::string& folder);
  Status keep_archived(const std::string& folder);
  Status keep_marks(const std::string& folder);
  Status note_seen();
  Status forget_oldest();

  const RootDir& root_;
  std::string state_;
  ReadMarks read_marks_;
};

// The most telling line of a kernel's log, as diagnose() finds it: what the initramfs said before
// it gave up, else the panic, else the first oops, and the kernel's release where the log names it.
// At most max_detail bytes, printable. Cause::none without any.
[[nodiscard]] Evidence evidence_in(std::string_view kernel_log);

}  // namespace cube
