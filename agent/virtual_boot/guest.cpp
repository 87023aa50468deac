#include "agent/virtual_boot/guest.h"

#include <algorithm>
#include <array>

#include "base/json.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::string_view sandbox =
    "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";
constexpr int translation_mib = 64;  // of QEMU's own memory, for translated code
constexpr std::size_t max_words = 1024;

int number(GuestFile file) {
  return static_cast<int>(file);
}

// QEMU's name for what it was handed.
std::string handed(GuestFile file) {
  return "/dev/fdset/" + std::to_string(number(file));
}

std::string opened(GuestFile file) {
  return "/proc/self/fd/" + std::to_string(number(file));
}

// The disk with its overlay. The file's locks are QEMU's own affair: nobody else has these.
std::string disk_node(const Guest& guest) {
  const auto place = [](const char* driver, GuestFile file, bool read_only) {
    return Json(Json::Object{{"driver", driver},
                             {"filename", handed(file)},
                             {"read-only", read_only},
                             {"locking", "off"}});
  };
  const bool read_only = !mutated("virtual-boot-writes-slot");
  const Json below(Json::Object{
      {"driver", "raw"},
      {"node-name", read_only ? "slot" : "root"},
      {"read-only", read_only},
      {"file", place(guest.disk_is_device ? "host_device" : "file", GuestFile::disk, read_only)}});
  if (!read_only) return below.line();
  return Json(Json::Object{{"driver", "qcow2"},
                           {"node-name", "root"},
                           {"file", place("file", GuestFile::overlay, false)},
                           {"backing", below}})
      .line();
}

void add(std::vector<std::string>& to, std::initializer_list<std::string> words) {
  to.insert(to.end(), words);
}

bool useful(std::string_view word) {
  constexpr std::array<std::string_view, 4> whole{"rw", "selinux=0", "enforcing=0", "apparmor=0"};
  constexpr std::array<std::string_view, 6> begins{
      "rootflags=", "rootfstype=", "init=",
      "security=",  "lsm=",        "systemd.unified_cgroup_hierarchy="};
  return std::find(whole.begin(), whole.end(), word) != whole.end() ||
         std::any_of(begins.begin(), begins.end(),
                     [&](std::string_view begin) { return word.starts_with(begin); });
}

}  // namespace

std::vector<std::string> qemu_arguments(const std::string& program, const Guest& guest) {
  std::vector<std::string> words{program, "-nodefaults", "-no-user-config", "-no-reboot"};
  add(words, {"-display", "none", "-nic", "none", "-monitor", "none"});
  add(words, {"-sandbox", std::string(sandbox)});
  add(words, {"-machine", "q35,smm=off,usb=off", "-smp", "1"});
  add(words, {"-accel",
              guest.kvm ? std::string("kvm") : "tcg,tb-size=" + std::to_string(translation_mib)});
  add(words, {"-cpu", guest.kvm ? "host" : "max", "-m", std::to_string(guest.memory_mib)});
  for (const auto file : {GuestFile::disk, GuestFile::overlay, GuestFile::console, GuestFile::goal})
    add(words,
        {"-add-fd", "fd=" + std::to_string(number(file)) + ",set=" + std::to_string(number(file))});
  // append: QEMU would cut the pipe to no length otherwise.
  add(words, {"-chardev", "file,id=console,append=on,path=" + handed(GuestFile::console)});
  add(words, {"-chardev", "file,id=goal,append=on,path=" + handed(GuestFile::goal)});
  add(words, {"-serial", "chardev:console", "-serial", "chardev:goal"});
  add(words, {"-blockdev", disk_node(guest)});
  if (!guest.disk->controller.empty()) add(words, {"-device", std::string(guest.disk->controller)});
  add(words, {"-device", std::string(guest.disk->disk) + ",drive=root"});
  add(words, {"-kernel", opened(GuestFile::kernel), "-initrd", opened(GuestFile::initramfs)});
  add(words, {"-append", kernel_arguments(guest)});
  return words;
}

std::string kernel_arguments(const Guest& guest) {
  const std::string slot(to_string(guest.slot));
  std::string words = "root=LABEL=cube-" + slot + " ro";
  if (!guest.machine_words.empty()) words += " " + guest.machine_words;
  words += " cube.slot=" + slot + " cube.virtual=" + guest.secret;
  if (guest.knows_virtual) words += " cube.trial=1";
  // A processor that others keep waiting looks locked up, and its timer wrong: no panic of that.
  words += " panic=1 oops=panic nowatchdog no_timer_check nokaslr";
  words += " console=ttyS0,115200 earlyprintk=ttyS0,115200 8250.nr_uarts=4 loglevel=7";
  return words + " systemd.show_status=1 fstab=no rd.shell=0";
}

std::string guest_words(std::string_view cmdline) {
  std::string words;
  while (!cmdline.empty()) {
    const auto word = cmdline.substr(0, cmdline.find_first_of(" \t\n"));
    cmdline.remove_prefix(std::min(word.size() + 1, cmdline.size()));
    const bool plain =
        std::all_of(word.begin(), word.end(), [](char c) { return c > ' ' && c < '\x7f'; });
    if (plain && useful(word) && words.size() + word.size() < max_words)
      words += (words.empty() ? "" : " ") + std::string(word);
  }
  return words;
}

bool says_reached(std::string_view port, const std::string& secret) {
  if (mutated("virtual-hang-is-good")) return true;
  const std::string wanted = "cube-update: reached " + secret;
  while (!port.empty()) {
    const auto end = port.find('\n');
    if (end == std::string_view::npos) return false;
    auto line = port.substr(0, end);
    port.remove_prefix(end + 1);
    while (line.ends_with('\r')) line.remove_suffix(1);
    if (line == wanted) return true;
  }
  return false;
}

bool shows_reached(std::string_view console) {
  constexpr std::string_view reached = "Reached target ";
  for (auto at = console.find(reached); at != std::string_view::npos;
       at = console.find(reached, at + 1)) {
    auto line = console.substr(at + reached.size());
    const auto end = line.find('\n');
    if (end == std::string_view::npos) return false;
    line = line.substr(0, end);
    for (const std::string_view target :
         {"multi-user.target", "Multi-User System", "graphical.target", "Graphical Interface"})
      if (line.find(target) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace cube
