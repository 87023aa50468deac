#include "agent/trial_journal.h"

#include <fcntl.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "base/io.h"
#include "base/mutation.h"
#include "boot/postmortem/diagnosis.h"

namespace cube {
namespace {

constexpr const char* journals = "var/log/journal";
constexpr const char* copies = "run/cube-update/journals";
constexpr std::size_t max_data_bytes = 4096;
constexpr auto max_time = std::chrono::seconds(3);
constexpr std::size_t copy_bytes = 256 * 1024;

struct Closer {
  void operator()(sd_journal* journal) const { ::sd_journal_close(journal); }
};
using Opened = std::unique_ptr<sd_journal, Closer>;

struct JournalFile {
  std::string path;
  timespec changed{};
  std::size_t bytes = 0;
};

bool is_journal(const std::string& name) {
  return name.ends_with(".journal") || name.ends_with(".journal~");
}

// The newest first.
Result<std::vector<JournalFile>> journal_files(const RootDir& tree) {
  std::vector<JournalFile> files;
  CUBE_TRY(const auto machines, tree.entries(journals, 64));
  for (const auto& machine : machines) {
    if (machine.type != DirEntry::Type::folder) continue;
    const std::string folder = std::string(journals) + "/" + machine.name;
    CUBE_TRY(const auto entries, tree.entries(folder, 10000));
    for (const auto& entry : entries) {
      if (entry.type != DirEntry::Type::file || !is_journal(entry.name)) continue;
      const std::string path = folder + "/" + entry.name;
      CUBE_TRY(const auto st, tree.stat(path));
      files.push_back({path, st.st_mtim, static_cast<std::size_t>(st.st_size)});
    }
  }
  std::sort(files.begin(), files.end(), [](const JournalFile& left, const JournalFile& right) {
    return std::pair(left.changed.tv_sec, left.changed.tv_nsec) >
           std::pair(right.changed.tv_sec, right.changed.tv_nsec);
  });
  if (files.size() > max_journal_files) files.resize(max_journal_files);
  return files;
}

// Copies of journals in run/cube-update, in memory, while it lives. The library maps the files that
// it reads: one that a disk can no longer read would end this program by a signal, and so would one
// that somebody cuts short. Files without a name it refuses.
class Copies {
 public:
  explicit Copies(const RootDir& root) : root_(root) {}
  Copies(const Copies&) = delete;
  Copies& operator=(const Copies&) = delete;
  ~Copies() { clear(); }

  Status begin() {
    clear();
    return root_.make_dirs(copies, 0700);
  }

  Result<Fd> add(const RootDir& tree, const JournalFile& file) {
    CUBE_TRY(const auto from, tree.open_file(file.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
    const std::string name = std::string(copies) + "/" + std::to_string(++count_);
    CUBE_TRY(auto to, root_.open_file(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
    std::string part;
    for (std::size_t at = 0; at < file.bytes; at += copy_bytes) {
      CUBE_CHECK(read_at(from, at, std::min(copy_bytes, file.bytes - at), part));
      CUBE_CHECK(write_all(to, part));
    }
    return to;
  }

 private:
  void clear() {
    // What is left over is in memory, and goes with the next call or the next boot.
    if (auto status = root_.remove_tree(copies); !status) count_ += max_journal_files;
  }

  const RootDir& root_;
  std::size_t count_ = 0;
};

// The library takes the descriptors over, but only when it succeeds.
Opened opened(const std::vector<int>& files) {
  std::vector<Fd> mine;
  std::vector<int> numbers;
  for (const int file : files) {
    mine.emplace_back(::fcntl(file, F_DUPFD_CLOEXEC, 0));
    numbers.push_back(mine.back().get());
  }
  sd_journal* journal = nullptr;
  if (::sd_journal_open_files_fd(&journal, numbers.data(), static_cast<unsigned>(numbers.size()),
                                 0) < 0)
    return nullptr;
  for (auto& file : mine) static_cast<void>(file.release());
  ::sd_journal_set_data_threshold(journal, max_data_bytes);
  return Opened(journal);
}

// The value of a field of the present entry; "" without it.
std::string value_of(sd_journal* journal, const std::string& field) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (::sd_journal_get_data(journal, field.c_str(), &data, &size) < 0) return "";
  const std::string_view text(static_cast<const char*>(data), size);
  if (!text.starts_with(field + "=")) return "";
  std::string value(text.substr(field.size() + 1, max_line));
  for (char& c : value)
    if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) > 0x7e) c = '?';
  return value;
}

std::string hex_of(std::string boot) {
  std::erase(boot, '-');
  return boot;
}

// The boot that is asked for; "" when the files know nothing of it.
std::string boot_of(sd_journal* journal, const JournalQuery& query) {
  if (!query.boot.empty()) return hex_of(query.boot);
  if (::sd_journal_seek_tail(journal) < 0 || ::sd_journal_previous(journal) <= 0) return "";
  std::uint64_t realtime = 0, monotonic = 0;
  sd_id128_t id{};
  if (::sd_journal_get_realtime_usec(journal, &realtime) < 0 ||
      ::sd_journal_get_monotonic_usec(journal, &monotonic, &id) < 0)
    return "";
  const bool old = static_cast<UnixSeconds>(realtime / 1'000'000) < query.since;
  if (old && !mutated("old-journal-told")) return "";
  char text[SD_ID128_STRING_MAX];
  return ::sd_id128_to_string(id, text);
}

std::vector<std::string> errors_of(sd_journal* journal, const std::string& boot) {
  ::sd_journal_flush_matches(journal);
  for (const char* level : {"PRIORITY=0", "PRIORITY=1", "PRIORITY=2", "PRIORITY=3"})
    if (::sd_journal_add_match(journal, level, 0) < 0) return {};
  if (::sd_journal_add_match(journal, ("_BOOT_ID=" + boot).c_str(), 0) < 0) return {};
  std::vector<std::string> lines;
  if (::sd_journal_seek_tail(journal) < 0) return lines;
  const auto end = std::chrono::steady_clock::now() + max_time;
  for (std::size_t seen = 0; seen < max_journal_entries && lines.size() < max_journal_lines;
       ++seen) {
    if (::sd_journal_previous(journal) <= 0 || std::chrono::steady_clock::now() > end) break;
    std::string who = value_of(journal, "SYSLOG_IDENTIFIER");
    if (who.empty()) who = value_of(journal, "_COMM");
    std::string line = (who.empty() ? "" : who + ": ") + value_of(journal, "MESSAGE");
    line.resize(std::min(line.size(), max_line));
    if (lines.empty() || lines.back() != line) lines.push_back(std::move(line));
  }
  std::reverse(lines.begin(), lines.end());
  return lines;
}

}  // namespace

Result<std::vector<std::string>> journal_errors(const RootDir& tree, const JournalQuery& query,
                                                const RootDir& root) {
  auto files = journal_files(tree);
  if (!files && files.error().code == Errc::not_found) return std::vector<std::string>{};
  if (!files) return std::move(files).error();
  Copies copied(root);
  CUBE_CHECK(copied.begin());
  std::vector<Fd> sound;
  std::size_t room = max_journal_bytes;
  for (const auto& file : *files) {
    if (file.bytes > room) continue;
    auto copy = copied.add(tree, file);
    if (!copy || opened({copy->get()}) == nullptr) continue;
    room -= file.bytes;
    sound.push_back(std::move(*copy));
  }
  std::vector<int> numbers;
  numbers.reserve(sound.size());
  for (const auto& copy : sound) numbers.push_back(copy.get());
  if (numbers.empty()) return std::vector<std::string>{};
  const auto journal = opened(numbers);
  if (!journal) return std::vector<std::string>{};
  const auto boot = boot_of(journal.get(), query);
  if (boot.empty()) return std::vector<std::string>{};
  return errors_of(journal.get(), boot);
}

}  // namespace cube
