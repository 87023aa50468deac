#include "base/io.h"

#include <algorithm>
#include <array>

namespace cube {

Result<std::string> read_all(const Fd& fd, std::size_t max_bytes) {
  std::string content;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto count = ::read(fd.get(), buffer.data(), buffer.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("read");
    }
    if (count == 0) return content;
    if (content.size() + static_cast<std::size_t>(count) > max_bytes)
      return Error{Errc::corrupt, "larger than " + std::to_string(max_bytes) + " bytes"};
    content.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

Status read_at(const Fd& fd, std::uint64_t offset, std::size_t length, std::string& bytes) {
  bytes.resize(length);
  for (std::size_t done = 0; done < length;) {
    const auto count =
        ::pread(fd.get(), bytes.data() + done, length - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return system_error("read");
    if (count == 0) return Error{Errc::corrupt, "ends too early"};
    done += static_cast<std::size_t>(count);
  }
  return ok();
}

Status write_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto count = ::write(fd.get(), bytes.data(), bytes.size());
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return ok();
}

Status write_at(const Fd& fd, std::string_view bytes, off_t offset) {
  while (!bytes.empty()) {
    const auto count = ::pwrite(fd.get(), bytes.data(), bytes.size(), offset);
    if (count < 0) {
      if (errno == EINTR) continue;
      return system_error("write");
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
    offset += count;
  }
  return ok();
}

Status write_around_zeros(const Fd& fd, std::string_view bytes, off_t offset) {
  constexpr auto run = shortest_hole;  // aligned in the file, so that holes are whole blocks
  const auto zeros = [](std::string_view part) {
    return part.size() == run && part.front() == '\0' && part.substr(1) == part.substr(0, run - 1);
  };
  const auto next = [&](std::size_t at) {
    return std::min(bytes.size(), at + run - (static_cast<std::size_t>(offset) + at) % run);
  };
  std::size_t from = 0;  // what is to be written before `at`
  for (std::size_t at = 0; at < bytes.size(); at = next(at)) {
    if (!zeros(bytes.substr(at, next(at) - at))) continue;
    CUBE_CHECK(write_at(fd, bytes.substr(from, at - from), offset + static_cast<off_t>(from)));
    from = next(at);
  }
  return write_at(fd, bytes.substr(from), offset + static_cast<off_t>(from));
}

Status sync_file(const Fd& fd) {
  if (::fsync(fd.get()) != 0) return system_error("fsync");
  return ok();
}

}  // namespace cube
