#include "tests/support/efi_machine.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

namespace cube {

namespace fs = std::filesystem;

void write_bytes(const std::string& path, const std::string& bytes) {
  fs::create_directories(fs::path(path).parent_path());
  std::ofstream out(path, std::ios::binary);
  out << bytes;
  if (!out) throw std::runtime_error("cannot write " + path);
}

std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::string random_hex(int digits) {
  static std::random_device source;
  std::string hex;
  for (int i = 0; i < digits; ++i) hex.push_back("0123456789abcdef"[source() % 16]);
  return hex;
}

void lay_out_slots(const std::string& folder) {
  for (const std::string slot : {"a", "b"})
    for (const std::string part : {"vmlinuz", "initrd.img"})
      write_bytes(folder + "/slots/" + slot + "/boot/" + part, part + " of slot " + slot);
}

void copy_kernel(const std::string& folder, const std::string& to, SlotId slot) {
  for (const std::string part : {"vmlinuz", "initrd.img"})
    write_bytes(to + "/" + part,
                read_bytes(folder + "/slots/" + std::string(to_string(slot)) + "/boot/" + part));
}

Started start_kernel(const std::string& folder, const std::string& arguments) {
  write_bytes(folder + "/proc/cmdline", arguments + "\n");
  std::string id = random_hex(32);
  for (const std::size_t at : {8U, 13U, 18U, 23U}) id.insert(at, "-");
  write_bytes(folder + "/proc/sys/kernel/random/boot_id", id + "\n");
  write_bytes(folder + "/proc/uptime", "5.00 5.00\n");
  const std::string slot = arguments.find("cube.slot=b") != std::string::npos ? "b" : "a";
  fs::remove_all(folder + "/run");
  fs::create_directories(folder + "/run/cube-update");
  fs::create_symlink("/slots/" + slot, folder + "/run/cube-update/root");
  return {slot == "b" ? SlotId::b : SlotId::a, arguments.find("cube.trial=1") != std::string::npos};
}

}  // namespace cube
