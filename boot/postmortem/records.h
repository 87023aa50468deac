// The last words of a machine as text: a serial console's log, or what a persistent store kept,
// from this machine or brought from another one. Foreign files: bounded, never followed through a
// link.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

struct Record {
  std::string name;     // of its file
  std::string content;  // text
};

// The kernel cuts a long log into records and counts them backwards: "Panic#1 Part1" holds the
// newest lines. Here they are one text in the order of time: of several logs the lower number
// first, texts without such a first line before them, by name. The first lines themselves are left
// out.
[[nodiscard]] std::string in_order(std::vector<Record> records);

enum class Keep { begin, end };
// At most max_bytes of a record, its beginning or its end. Errors: not_found, failed, corrupt (no
// regular file).
[[nodiscard]] Result<std::string> read_record(const RootDir& root, const std::string& path,
                                              std::size_t max_bytes, Keep keep);

inline constexpr std::size_t max_log_bytes = 16 * 1024 * 1024;
inline constexpr std::size_t max_log_records = 256;

struct Log {
  std::string text;
  std::string marks;  // of a folder: the file of that name (trial_marks.h)
  std::vector<std::string>
      left_out;  // records that cannot be read as text: compressed by the kernel
};

// A file: its last max_log_bytes. A folder: the records in it and in its folders, three deep, the
// newest max_log_records by name. Errors: not_found, failed, corrupt (neither file nor folder).
[[nodiscard]] Result<Log> read_log(const RootDir& root, const std::string& path);

}  // namespace cube
