#include "boot/postmortem/records.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <tuple>

#include "base/io.h"
#include "boot/postmortem/trial_marks.h"

namespace cube {
namespace {

constexpr int max_depth = 3;
constexpr std::size_t max_first_line = 64;
constexpr std::size_t max_made_up_bytes = 1024 * 1024;

// The kernel's first line of a record, "Panic#2 Part3".
struct Place {
  unsigned log = 0;   // 2; 0: no such line
  unsigned part = 0;  // 3
};

std::optional<unsigned> number_after(std::string_view line, std::string_view sign) {
  const auto at = line.find(sign);
  if (at == std::string_view::npos) return std::nullopt;
  unsigned number = 0;
  const auto* begin = line.data() + at + sign.size();
  const auto [end, error] = std::from_chars(begin, line.data() + line.size(), number);
  if (error != std::errc() || end == begin) return std::nullopt;
  return number;
}

std::optional<Place> place_of(std::string_view content) {
  const auto line = content.substr(0, std::min(content.find('\n'), max_first_line));
  const auto log = number_after(line, "#");
  const auto part = number_after(line, " Part");
  if (!log || !part || line.find(' ') < line.find('#')) return std::nullopt;
  return Place{*log, *part};
}

class Collector {
 public:
  explicit Collector(const RootDir& root) : root_(root) {}

  Status collect(const std::string& path, int depth) {
    CUBE_TRY(auto entries, root_.entries(path, 10000));
    std::sort(entries.begin(), entries.end(),
              [](const DirEntry& left, const DirEntry& right) { return left.name > right.name; });
    for (const auto& entry : entries) {
      const std::string place = path + "/" + entry.name;
      if (entry.type == DirEntry::Type::folder && depth < max_depth)
        CUBE_CHECK(collect(place, depth + 1));
      if (entry.type == DirEntry::Type::file) CUBE_CHECK(take(place, entry.name));
    }
    return ok();
  }

  Log log() {
    std::sort(left_out_.begin(), left_out_.end());
    return {in_order(std::move(records_)), std::move(marks_), std::move(left_out_)};
  }

 private:
  Status take(const std::string& path, const std::string& name) {
    if (name.ends_with(".z") || name.ends_with(".gz") || name.ends_with(".xz")) {
      if (left_out_.size() < max_log_records) left_out_.push_back(name);
      return ok();
    }
    if (name == kept_marks) {
      CUBE_TRY(marks_, read_record(root_, path, max_marks_bytes, Keep::end));
      return ok();
    }
    if (records_.size() == max_log_records || room_ == 0) return ok();
    CUBE_TRY(auto content, read_record(root_, path, room_, Keep::end));
    room_ -= content.size();
    records_.push_back({path, std::move(content)});
    return ok();
  }

  const RootDir& root_;
  std::vector<Record> records_;
  std::vector<std::string> left_out_;
  std::string marks_;
  std::size_t room_ = max_log_bytes;
};

}  // namespace

Result<std::string> read_record(const RootDir& root, const std::string& path, std::size_t max_bytes,
                                Keep keep) {
  CUBE_TRY(const auto fd, root.open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY));
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) return system_error("stat " + root.join(path));
  if (!S_ISREG(st.st_mode)) return Error{Errc::corrupt, root.join(path) + ": not a regular file"};
  const auto size = static_cast<std::size_t>(st.st_size);
  if (keep == Keep::end && size > max_bytes &&
      ::lseek(fd.get(), static_cast<off_t>(size - max_bytes), SEEK_SET) < 0)
    return system_error("read " + root.join(path));
  // A file that the kernel makes up has no size.
  std::string content(
      size == 0 ? std::min(max_bytes, max_made_up_bytes) : std::min(max_bytes, size), '\0');
  std::size_t have = 0;
  while (have < content.size()) {
    const auto count = ::read(fd.get(), content.data() + have, content.size() - have);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read " + root.join(path));
    if (count == 0) break;
    have += static_cast<std::size_t>(count);
  }
  content.resize(have);
  return content;
}

std::string in_order(std::vector<Record> records) {
  struct Placed {
    Place place;
    const Record* record;
  };
  std::vector<Placed> all;
  for (const auto& record : records)
    all.push_back({place_of(record.content).value_or(Place{}), &record});
  std::sort(all.begin(), all.end(), [](const Placed& left, const Placed& right) {
    return std::tuple(left.place.log, right.place.part, left.record->name) <
           std::tuple(right.place.log, left.place.part, right.record->name);
  });
  std::string text;
  for (const auto& [place, record] : all) {
    const std::size_t begin = place.log == 0 ? 0 : record->content.find('\n');
    if (begin == std::string::npos) continue;
    text += std::string_view(record->content).substr(place.log == 0 ? 0 : begin + 1);
    if (!text.empty() && text.back() != '\n') text += '\n';
  }
  return text;
}

Result<Log> read_log(const RootDir& root, const std::string& path) {
  CUBE_TRY(const auto st, root.stat(path));
  if (S_ISDIR(st.st_mode)) {
    Collector collector(root);
    CUBE_CHECK(collector.collect(path, 1));
    return collector.log();
  }
  CUBE_TRY(auto text, read_record(root, path, max_log_bytes, Keep::end));
  return Log{in_order({{path, std::move(text)}}), "", {}};
}

}  // namespace cube
