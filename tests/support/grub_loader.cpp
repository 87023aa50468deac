#include "tests/support/grub_loader.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <stdexcept>
#include <utility>

namespace cube {
namespace {

constexpr std::string_view signature = "# GRUB Environment Block\n";

std::optional<std::string> slurp(const std::string& path) {
  if (!std::filesystem::is_regular_file(path)) return std::nullopt;
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  return std::string(std::istreambuf_iterator<char>(file), {});
}

void spill(const std::string& path, const std::string& content) {
  std::ofstream file(path, std::ios::binary);
  file << content;
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

std::string random_hex(std::size_t digits) {
  static std::random_device device;
  std::string text;
  while (text.size() < digits) text += "0123456789abcdef"[device() % 16];
  return text;
}

std::string block_of(std::string text) {
  text.insert(0, signature);
  text.resize(1024, '#');
  return text;
}

std::size_t end_of_line(const std::string& block, std::size_t at) {
  for (; at < block.size() && block[at] != '\n'; ++at)
    if (block[at] == '\\') ++at;
  return std::min(at, block.size());
}

// save_env's way: the first line of that name gets the value, the padding gives or takes the room.
bool set_in(std::string& block, const std::string& name, const std::string& value) {
  const std::string line = name + "=" + value;
  const std::size_t size = block.size();
  std::size_t at = signature.size();
  while (at < size && block[at] != '#') {
    const std::size_t end = end_of_line(block, at);
    if (block.compare(at, name.size() + 1, name + "=") == 0) {
      block.replace(at, end - at, line);
      break;
    }
    at = end + 1;
  }
  if (at >= size || block[at] == '#') block.insert(std::min(at, size), line + "\n");
  while (block.size() > size) {
    if (block.back() != '#') return false;
    block.pop_back();
  }
  block.resize(size, '#');
  return true;
}

std::string value_or_empty(const std::map<std::string, std::string>& variables, const char* name) {
  const auto found = variables.find(name);
  return found == variables.end() ? "" : found->second;
}

bool is_count(const std::string& text, char lowest) {
  return text.size() == 1 && text[0] >= lowest && text[0] <= '9';
}

}  // namespace

GrubLoader::GrubLoader(std::string root) : root_(std::move(root)) {
  std::filesystem::create_directories(root_ + "/boot/efi/cube");
  std::filesystem::create_directories(root_ + "/proc/sys/kernel/random");
}

void GrubLoader::install(SlotId fallback) {
  const std::string slot(to_string(fallback));
  spill(env_path(), block_of("cube_fallback=" + slot +
                             "\ncube_offer=none\ncube_trial=none\ncube_left=0\ncube_done=0\n"
                             "cube_canary=" + random_hex(16) + "\ncube_was=" + random_hex(16) + "\n"));
  spill(good_path(), block_of("cube_fallback=" + slot + "\n"));
}

std::optional<GrubLoader::Variables> GrubLoader::load_env(const std::string& path) {
  const auto block = slurp(path);
  if (!block || block->compare(0, signature.size(), signature) != 0) return std::nullopt;
  Variables variables;
  for (std::size_t at = signature.size(); at < block->size();) {
    const std::size_t end = end_of_line(*block, at);
    const auto line = block->substr(at, end - at);
    const auto equals = line.find('=');
    if (line[0] != '#' && equals != std::string::npos)
      variables[line.substr(0, equals)] = line.substr(equals + 1);
    at = end + 1;
  }
  return variables;
}

bool GrubLoader::save_env(const Variables& values) const {
  auto block = slurp(env_path());
  if (saves_fail_ || !block) return false;
  for (const auto& [name, value] : values)
    if (!set_in(*block, name, value)) return false;
  std::fstream file(env_path(), std::ios::binary | std::ios::in | std::ios::out);
  file << *block;
  return static_cast<bool>(file.flush());
}

void GrubLoader::hand_over(const Started& started, const std::string& canary) const {
  const std::string slot(to_string(started.slot));
  spill(cmdline_path(), "BOOT_IMAGE=/boot/vmlinuz root=LABEL=cube-" + slot +
                            " ro panic=10 cube.slot=" + slot +
                            (started.trial ? " cube.trial=1" : "") + " cube.canary=" + canary + "\n");
  spill(root_ + "/proc/sys/kernel/random/boot_id",
        random_hex(8) + "-" + random_hex(4) + "-4" + random_hex(3) + "-a" + random_hex(3) + "-" +
            random_hex(12) + "\n");
}

Started GrubLoader::start() {
  const auto env = load_env(env_path()).value_or(Variables{});
  const auto get = [&](const char* name) { return value_or_empty(env, name); };
  Started started{SlotId::a, false};
  const auto fallback = parse_slot(get("cube_fallback"));
  const auto offer = parse_slot(get("cube_offer"));
  if (fallback) {
    started.slot = *fallback;
  } else if (const auto good = load_env(good_path())) {
    started.slot = parse_slot(value_or_empty(*good, "cube_fallback")).value_or(SlotId::a);
  }
  const std::string left = get("cube_left");
  const std::string done = get("cube_done");
  if (fallback && offer && get("cube_trial") == get("cube_offer") && offer != fallback &&
      is_count(left, '1') && is_count(done, '0')) {
    const char counted = done[0] == '9' ? '9' : static_cast<char>(done[0] + 1);
    if (save_env({{"cube_offer", "none"},
                  {"cube_left", std::string(1, static_cast<char>(left[0] - 1))},
                  {"cube_done", std::string(1, counted)}}))
      started = {*offer, true};
  }
  hand_over(started, get("cube_canary"));
  return started;
}

}  // namespace cube
