#include "slots/seal_file.h"

#include <charconv>

#include "base/digest.h"
#include "base/durable_file.h"
#include "model/release.h"

namespace cube {
namespace {

constexpr const char* folder = ".cube";
constexpr const char* file = ".cube/seal";
constexpr std::size_t max_seal_bytes = 4096;

// The value of the next line, which must have that name.
Result<std::string> next(std::string_view& text, std::string_view name) {
  const auto end = text.find('\n');
  const auto line = text.substr(0, end);
  if (end == std::string_view::npos || !line.starts_with(name) || line.size() <= name.size() ||
      line[name.size()] != '=')
    return Error{Errc::corrupt, "seal: no line " + std::string(name)};
  text.remove_prefix(end + 1);
  return std::string(line.substr(name.size() + 1));
}

Result<std::uint64_t> next_number(std::string_view& text, std::string_view name) {
  CUBE_TRY(const auto value, next(text, name));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size())
    return Error{Errc::corrupt, "seal: " + std::string(name) + " is no number"};
  return number;
}

}  // namespace

std::string render_seal(const Seal& seal) {
  const std::string body = "format=1\nrelease=" + seal.release + "\nmanifest=" + seal.manifest_sha256 +
                           "\ncommit=" + seal.commit + "\nepoch=" + std::to_string(seal.epoch) +
                           "\nattempt=" + std::to_string(seal.attempt) + "\n";
  return body + "sha256=" + to_hex(sha256(body)) + "\n";
}

Result<Seal> parse_seal(std::string_view text) {
  const auto checksum_at = text.rfind("sha256=");
  if (checksum_at == std::string_view::npos) return Error{Errc::corrupt, "seal: no checksum"};
  const std::string expected = "sha256=" + to_hex(sha256(text.substr(0, checksum_at))) + "\n";
  if (text.substr(checksum_at) != expected) return Error{Errc::corrupt, "seal: wrong checksum"};
  Seal seal;
  CUBE_TRY(const auto format, next_number(text, "format"));
  if (format != 1) return Error{Errc::corrupt, "seal: unknown format"};
  CUBE_TRY(seal.release, next(text, "release"));
  CUBE_TRY(seal.manifest_sha256, next(text, "manifest"));
  CUBE_TRY(seal.commit, next(text, "commit"));
  CUBE_TRY(seal.epoch, next_number(text, "epoch"));
  CUBE_TRY(seal.attempt, next_number(text, "attempt"));
  if (!ReleaseName::parse(seal.release) || !is_sha256_hex(seal.manifest_sha256) ||
      !is_sha256_hex(seal.commit) || text != expected)
    return Error{Errc::corrupt, "seal: unreasonable content"};
  return seal;
}

Result<std::optional<Seal>> read_seal(const RootDir& slot) {
  const auto text = slot.read_file(file, max_seal_bytes);
  if (!text) {
    if (text.error().code == Errc::failed) return text.error();
    return std::optional<Seal>();
  }
  auto seal = parse_seal(*text);
  if (!seal) return std::optional<Seal>();
  return std::optional<Seal>(*seal);
}

Result<struct timespec> seal_time(const RootDir& slot) {
  CUBE_TRY(const auto st, slot.stat(file));
  return st.st_ctim;
}

Status write_seal(const RootDir& slot, const Seal& seal) {
  CUBE_CHECK(slot.make_dirs(folder, 0700));
  CUBE_CHECK(sync_folder(slot, "."));
  return replace_file(slot, file, render_seal(seal), 0600);
}

Status remove_seal(const RootDir& slot) {
  if (!slot.exists(folder)) return ok();
  CUBE_CHECK(slot.remove_file(file));
  return sync_folder(slot, folder);
}

}  // namespace cube
