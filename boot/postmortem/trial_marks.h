// Marks: how far a trial's boot came, noted by itself at each step. A mark that is there proves
// that the step was reached; one that is missing proves nothing. A mark is no sign of death: a
// power cut leaves the same.
//
// One line, wherever it stands: "cube-update: stage STAGE boot BOOT_ID". packaging/initramfs writes
// it into the kernel's log, into /dev/pmsg0 where there is one, and, once the root is mounted, into
// .cube/marks of the slot on trial, which holds those of its last start only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cube {

struct Mark {
  std::string stage;  // initramfs-start, root-mounted or userspace
  std::string boot;   // the boot id of the kernel that wrote it

  friend bool operator==(const Mark&, const Mark&) = default;
};

inline constexpr std::size_t max_marks = 32;
inline constexpr std::size_t max_marks_bytes = 64 * 1024;
inline constexpr const char* marks_file = ".cube/marks";  // in a slot
inline constexpr const char* kept_marks = "marks";        // beside the kept records

// The marks in a foreign text, the last max_marks; whatever else it says is skipped.
[[nodiscard]] std::vector<Mark> marks_in(std::string_view text);
[[nodiscard]] std::string render_marks(const std::vector<Mark>& marks);
// 1 for the first stage; 0 for a word that is none.
[[nodiscard]] std::size_t rank_of_stage(std::string_view stage);
// "its root was mounted"; "" for a word that is none.
[[nodiscard]] std::string_view sentence_of_stage(std::string_view stage);

// What .cube/marks of the slot that does not run holds, "" without such a file; at most
// max_marks_bytes. Errors: those of looking into a slot.
using ReadMarks = std::function<Result<std::string>()>;

}  // namespace cube
