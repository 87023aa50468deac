#include "tests/support/uboot_loader.h"

#include <sstream>

#include "tests/support/text_files.h"

namespace cube {
namespace {

constexpr std::size_t header_bytes = 5;  // checksum, and a count that tells which copy is newer

// CRC-32 as in zlib, bit by bit.
std::uint32_t checksum(std::string_view bytes) {
  std::uint32_t crc = 0xffffffff;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xedb88320U : 0U);
  }
  return ~crc;
}

struct Copy {
  unsigned char count = 0;
  UbootLoader::Variables variables;
};

std::optional<Copy> parse(const std::string& bytes) {
  if (bytes.size() != UbootLoader::copy_bytes) return std::nullopt;
  std::uint32_t stored = 0;
  for (int n = 3; n >= 0; --n)
    stored = stored << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(n)]);
  if (stored != checksum(std::string_view(bytes).substr(header_bytes))) return std::nullopt;
  Copy copy{static_cast<unsigned char>(bytes[4]), {}};
  for (std::size_t at = header_bytes; at < bytes.size() && bytes[at] != '\0';) {
    const std::string line(bytes.c_str() + at);
    const auto equals = line.find('=');
    if (equals != std::string::npos)
      copy.variables[line.substr(0, equals)] = line.substr(equals + 1);
    at += line.size() + 1;
  }
  return copy;
}

std::string render(const Copy& copy) {
  std::string data;
  for (const auto& [name, value] : copy.variables) data += name + "=" + value + '\0';
  data.resize(UbootLoader::copy_bytes - header_bytes, '\0');
  const std::uint32_t crc = checksum(data);
  std::string bytes;
  for (int n = 0; n < 4; ++n) bytes.push_back(static_cast<char>(crc >> (8 * n) & 0xff));
  bytes.push_back(static_cast<char>(copy.count));
  return bytes + data;
}

UbootLoader::Variables defaults() {
  UbootLoader::Variables variables;
  std::istringstream lines(get(CUBE_UBOOT_DEFAULTS));
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (!line.starts_with("#") && equals != std::string::npos)
      variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

// The count runs in a circle: 0 is newer than 255.
bool newer(unsigned char left, unsigned char right) {
  return static_cast<unsigned char>(left - right) < 128;
}

}  // namespace

void UbootLoader::install(SlotId fallback) {
  put(folder_ + "/etc/fw_env.config",
      "# device offset size\n/boot/uboot-0 0x0000 0x800\n/boot/uboot-1 0x0000 0x800\n");
  put(folder_ + "/usr/share/cube-update/u-boot.env", get(CUBE_UBOOT_DEFAULTS));
  auto variables = defaults();
  variables["cube_fallback"] = to_string(fallback);
  variables["ethaddr"] = "02:00:00:00:00:01";
  for (const int number : {0, 1}) put(copy_file(number), render({1, variables}));
}

std::optional<UbootLoader::Variables> UbootLoader::load() const {
  const auto first = parse(get(copy_file(0))), second = parse(get(copy_file(1)));
  if (!first && !second) return std::nullopt;
  if (!second || (first && newer(first->count, second->count))) return first->variables;
  return second->variables;
}

void UbootLoader::save(const Variables& variables) const {
  const auto first = parse(get(copy_file(0))), second = parse(get(copy_file(1)));
  const bool first_rules = first && (!second || newer(first->count, second->count));
  const unsigned char count = first_rules ? first->count : second ? second->count : 0;
  put(copy_file(first_rules ? 1 : 0), render({static_cast<unsigned char>(count + 1), variables}));
}

Started UbootLoader::start() {
  auto variables = load().value_or(defaults());
  bool counts_out = false;
  if (variables["upgrade_available"] == "1") {
    const int count = std::stoi(variables["bootcount"]) + 1;
    variables["bootcount"] = std::to_string(count);
    save(variables);
    counts_out = count > std::stoi(variables["bootlimit"]);
  }
  const bool trial = !counts_out && variables["upgrade_available"] == "1" &&
                     variables["cube_trial"] != variables["cube_fallback"];
  const Started started{
      variables[trial ? "cube_trial" : "cube_fallback"] == "a" ? SlotId::a : SlotId::b, trial};
  lay_out(started);
  return started;
}

void UbootLoader::lay_out(const Started& started) const {
  const std::string slot(to_string(started.slot));
  put(folder_ + "/proc/cmdline", "root=LABEL=cube-" + slot + " ro cube.slot=" + slot +
                                     (started.trial ? " cube.trial=1 panic=10" : "") + "\n");
}

}  // namespace cube
