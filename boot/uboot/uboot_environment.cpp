#include "boot/uboot/uboot_environment.h"

#include <fcntl.h>
#include <libuboot.h>

#include <array>
#include <charconv>
#include <cstdlib>
#include <memory>
#include <optional>
#include <sstream>
#include <vector>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_config_bytes = 16 * 1024;
constexpr std::size_t max_variables = 4096;
constexpr std::uint64_t min_size = 256, max_size = 1024 * 1024;  // of one copy

// One line of fw_env.config.
struct Copy {
  std::string device;  // below the root
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

Error unusable(const std::string& what) {
  return Error{Errc::cannot_arm, "U-Boot environment: " + what};
}

std::optional<std::uint64_t> number_in(const std::string& text) {
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  std::uint64_t number = 0;
  const char* begin = text.data() + (hex ? 2 : 0);
  const auto [end, error] =
      std::from_chars(begin, text.data() + text.size(), number, hex ? 16 : 10);
  if (error != std::errc() || end != text.data() + text.size() || begin == end) return std::nullopt;
  return number;
}

Result<std::array<Copy, 2>> copies_in(const std::string& text) {
  std::vector<Copy> copies;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    Copy copy;
    std::string offset, size;
    if (!(words >> copy.device)) continue;
    words >> offset >> size;
    const auto at = number_in(offset), bytes = number_in(size);
    if (!at || !bytes || *bytes < min_size || *bytes > max_size)
      return unusable("its configuration has a line that is no DEVICE OFFSET SIZE: " + line);
    copy.offset = *at;
    copy.size = *bytes;
    copies.push_back(std::move(copy));
  }
  if (copies.size() != 2)
    return unusable("its configuration names " + std::to_string(copies.size()) +
                    " copies; two are needed, so that a power cut leaves one");
  const bool same = copies[0].device == copies[1].device;
  const bool overlap = copies[0].offset < copies[1].offset + copies[1].size &&
                       copies[1].offset < copies[0].offset + copies[0].size;
  if (copies[0].size != copies[1].size || (same && overlap))
    return unusable("its two copies overlap, or have different sizes");
  return std::array<Copy, 2>{copies[0], copies[1]};
}

struct ContextCloser {
  void operator()(uboot_ctx* context) const {
    ::libuboot_close(context);
    ::libuboot_exit(context);
  }
};
using Context = std::unique_ptr<uboot_ctx, ContextCloser>;

// `valid`: whether one of the copies was.
Result<Context> open_context(const RootDir& root, const std::array<Copy, 2>& copies, bool& valid) {
  uboot_ctx* raw = nullptr;
  if (::libuboot_initialize(&raw, nullptr) < 0)
    return Error{Errc::failed, "U-Boot environment: no memory"};
  Context context(raw);
  std::array<std::string, 2> paths = {root.join(copies[0].device), root.join(copies[1].device)};
  std::array<uboot_env_device, 2> devices{};
  for (std::size_t n = 0; n < 2; ++n) {
    if (paths[n].size() >= DEVNAME_MAX_LENGTH) return unusable("a name is too long: " + paths[n]);
    if (!root.exists(copies[n].device))
      return unusable(copies[n].device + " does not exist; is the boot partition mounted?");
    devices[n].devname = paths[n].data();
    devices[n].offset = static_cast<long long>(copies[n].offset);
    devices[n].envsize = copies[n].size;
    devices[n].sectorsize = copies[n].size;
    devices[n].envsectors = 1;
  }
  if (::libuboot_configure(raw, devices.data()) < 0)
    return unusable("the library refuses its configuration");
  valid = ::libuboot_open(raw) == 0;
  return context;
}

UbootEnvironment::Variables variables_of(uboot_ctx* context) {
  UbootEnvironment::Variables variables;
  void* entry = nullptr;
  while ((entry = ::libuboot_iterator(context, entry)) != nullptr &&
         variables.size() < max_variables)
    variables[::libuboot_getname(entry)] = ::libuboot_getvalue(entry);
  return variables;
}

Status sync_copies(const RootDir& root, const std::array<Copy, 2>& copies) {
  for (const auto& copy : copies) {
    CUBE_TRY(const auto file, root.open_file(copy.device, O_RDWR));
    CUBE_CHECK(sync_file(file));
  }
  return ok();
}

}  // namespace

Result<UbootEnvironment::Variables> UbootEnvironment::load() const {
  const auto text = root_.read_file(config_, max_config_bytes);
  if (!text) return unusable(text.error().what);
  CUBE_TRY(const auto copies, copies_in(*text));
  bool valid = false;
  CUBE_TRY(const auto context, open_context(root_, copies, valid));
  if (!valid) return unusable("neither copy is valid");
  return variables_of(context.get());
}

Status UbootEnvironment::store(const Variables& changed) {
  return store_over(changed, false);
}

Status UbootEnvironment::store_anew(const Variables& all) {
  return store_over(all, true);
}

Status UbootEnvironment::store_over(const Variables& changed, bool anew) {
  const auto text = root_.read_file(config_, max_config_bytes);
  if (!text) return unusable(text.error().what);
  CUBE_TRY(const auto copies, copies_in(*text));
  bool valid = false;
  CUBE_TRY(auto context, open_context(root_, copies, valid));
  if (!valid && !anew) return unusable("neither copy is valid");
  for (const auto& [name, value] : changed)
    if (::libuboot_set_env(context.get(), name.c_str(), value.c_str()) != 0)
      return unusable("refuses the variable " + name);
  const int result = ::libuboot_env_store(context.get());
  context.reset();  // gives back the library's lock, which load() takes
  if (result < 0) return system_error("U-Boot environment: write", -result);
  CUBE_CHECK(sync_copies(root_, copies));
  CUBE_TRY(const auto back, load());
  for (const auto& [name, value] : changed) {
    const auto found = back.find(name);
    if (found == back.end() || found->second != value)
      return Error{Errc::failed, "U-Boot environment: read back differs from what was written"};
  }
  return ok();
}

}  // namespace cube
