#include "tests/support/grub_loader.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace cube {
namespace {

namespace fs = std::filesystem;
constexpr const char* header = "# GRUB Environment Block\n";

void write(const std::string& path, const std::string& text) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << text;
  if (!out) throw std::runtime_error("cannot write " + path);
}

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string block(const std::string& variables) {
  std::string bytes = header + variables;
  bytes.resize(1024, '#');
  return bytes;
}

std::string random_hex(int digits) {
  static std::random_device source;
  std::string hex;
  for (int i = 0; i < digits; ++i) hex.push_back("0123456789abcdef"[source() % 16]);
  return hex;
}

bool is_slot(const std::string& text) { return text == "a" || text == "b"; }

}  // namespace

void GrubLoader::install(SlotId fallback) {
  const std::string slot(to_string(fallback));
  write(env_file(), block("cube_fallback=" + slot +
                          "\ncube_offer=none\ncube_trial=none\ncube_left=0\ncube_done=0\ncube_canary=" +
                          random_hex(16) + "\n"));
  write(good_file(), block("cube_fallback=" + slot + "\n"));
}

GrubLoader::Variables GrubLoader::load(const std::string& file) {
  Variables variables;
  const std::string bytes = read(file);
  if (!bytes.starts_with(header)) return variables;
  std::istringstream lines(bytes);
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (line.starts_with("#") || equals == std::string::npos) continue;
    variables[line.substr(0, equals)] = line.substr(equals + 1);
  }
  return variables;
}

void GrubLoader::save(const Variables& changed) const {
  std::istringstream lines(read(env_file()));
  std::string variables;
  for (std::string line; std::getline(lines, line);) {
    const auto equals = line.find('=');
    if (line.starts_with("#") || equals == std::string::npos) continue;
    const auto name = line.substr(0, equals);
    const auto found = changed.find(name);
    variables += name + "=" + (found == changed.end() ? line.substr(equals + 1) : found->second) + "\n";
  }
  std::fstream out(env_file(), std::ios::binary | std::ios::in | std::ios::out);
  out << block(variables);
}

Started GrubLoader::start() {
  const auto good = load(good_file());
  auto env = load(env_file());
  std::string fallback = env["cube_fallback"];
  const bool intact = is_slot(fallback);
  if (!intact) fallback = good.count("cube_fallback") != 0 ? good.at("cube_fallback") : "a";
  if (!is_slot(fallback)) fallback = "a";
  Started started{*parse_slot(fallback), false};
  const std::string offer = env["cube_offer"], left = env["cube_left"], done = env["cube_done"];
  const bool offered = intact && is_slot(offer) && offer == env["cube_trial"] &&
                       offer != fallback && left.size() == 1 && left >= "1" && left <= "9";
  if (offered) {
    const int tries_done = done.size() == 1 && done >= "0" && done <= "8" ? done[0] - '0' + 1 : 9;
    save({{"cube_offer", "none"},
          {"cube_left", std::to_string(left[0] - '0' - 1)},
          {"cube_done", std::to_string(tries_done)}});
    started = {*parse_slot(offer), true};
  }
  lay_out(started, env["cube_canary"]);
  return started;
}

void GrubLoader::lay_out(const Started& started, const std::string& canary) {
  const std::string slot(to_string(started.slot));
  write(folder_ + "/proc/cmdline", "root=LABEL=cube-" + slot + " ro cube.slot=" + slot +
                                       " cube.canary=" + canary +
                                       (started.trial ? " cube.trial=1 panic=10" : "") + "\n");
  std::string id = random_hex(32);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) id.insert(at, "-");
  write(folder_ + "/proc/sys/kernel/random/boot_id", id + "\n");
  write(folder_ + "/proc/uptime", "5.00 5.00\n");
  fs::remove_all(folder_ + "/run");
  fs::create_directories(folder_ + "/run/cube-update");
  fs::create_symlink("/slots/" + slot, folder_ + "/run/cube-update/root");
  ++boots_;
}

}  // namespace cube
