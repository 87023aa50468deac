#include "tests/support/machine_tree.h"

#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "tests/support/text_files.h"

namespace cube {
namespace {

namespace fs = std::filesystem;

class Layout {
 public:
  Layout(std::string texts, std::string root) : texts_(std::move(texts)), root_(std::move(root)) {}

  void file(const std::string& name) {
    if (!fs::exists(texts_ + "/" + name)) throw std::runtime_error("no machine " + name);
    lines(get(texts_ + "/" + name));
  }

  void lines(const std::string& text) {
    std::istringstream all(text);
    for (std::string line; std::getline(all, line);)
      if (!line.empty() && line[0] != '#') one(line);
  }

  void finish() {
    put(root_ / "proc/modules", modules_);
    put(root_ / "proc/net/route",
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\n" + routes_);
  }

 private:
  // `from` and `to` below sys/.
  void link(const std::string& from, const std::string& to) {
    const fs::path place = root_ / "sys" / from;
    fs::create_directories(place.parent_path());
    if (fs::is_symlink(place)) return;
    fs::create_symlink(fs::path(to).lexically_relative(fs::path(from).parent_path()), place);
  }

  void attribute(const std::string& path, const std::string& name, const std::string& text) {
    put(root_ / "sys/devices" / path / name, text + "\n");
  }

  void device(std::istringstream& words) {
    std::string path, bus, driver, module, modalias;
    words >> path >> bus >> driver >> module >> modalias;
    const auto name = fs::path(path).filename().string();
    fs::create_directories(root_ / "sys/devices" / path);
    link("devices/" + path + "/subsystem", "bus/" + bus);
    link("bus/" + bus + "/devices/" + name, "devices/" + path);
    if (modalias != "-") attribute(path, "modalias", modalias);
    if (driver == "-") return;
    fs::create_directories(root_ / "sys/bus" / bus / "drivers" / driver);
    link("devices/" + path + "/driver", "bus/" + bus + "/drivers/" + driver);
    if (module != "-") link("bus/" + bus + "/drivers/" + driver + "/module", "module/" + module);
  }

  void block(const std::string& path, const std::string& number) {
    const auto name = fs::path(path).filename().string();
    attribute(path, "dev", number);
    link("dev/block/" + number, "devices/" + path);
    link("class/block/" + name, "devices/" + path);
  }

  // Of a device that has a folder for its kind: ".../net/eth0", ".../drm/card0".
  void of_class(const std::string& kind, const std::string& path, bool hardware) {
    fs::create_directories(root_ / "sys/devices" / path);
    link("class/" + kind + "/" + fs::path(path).filename().string(), "devices/" + path);
    if (hardware)
      link("devices/" + path + "/device",
           "devices/" + fs::path(path).parent_path().parent_path().string());
  }

  void one(const std::string& line) {
    std::istringstream words(line);
    std::string verb, first, second, rest;
    words >> verb;
    if (verb == "device") return device(words);
    words >> first >> second;
    std::getline(words >> std::ws, rest);
    if (verb == "include")
      return file(first + (fs::exists(texts_ + "/" + first + ".tree") ? ".tree" : ".part"));
    if (verb == "kernel") return put(root_ / "proc/sys/kernel/osrelease", first + "\n");
    if (verb == "block") return block(first, second);
    if (verb == "partition") {
      block(first, second);
      return attribute(first, "partition", "2");
    }
    if (verb == "slave")
      return link("devices/" + first + "/slaves/" + fs::path(second).filename().string(),
                  "devices/" + second);
    if (verb == "net" || verb == "drm" || verb == "tty") return of_class(verb, first, true);
    if (verb == "virtual_tty") return of_class("tty", "virtual/tty/" + first, false);
    if (verb == "virtual_net") {
      of_class("net", "virtual/net/" + first, false);
      return attribute("virtual/net/" + first, "uevent",
                       "DEVTYPE=" + second + "\nINTERFACE=" + first);
    }
    if (verb == "lower")
      return link("devices/virtual/net/" + first + "/lower_" + fs::path(second).filename().string(),
                  "devices/" + second);
    if (verb == "file") return put(root_ / first, second + (rest.empty() ? "" : " " + rest) + "\n");
    if (verb == "link") {
      fs::create_directories((root_ / first).parent_path());
      return fs::create_symlink(second, root_ / first);
    }
    if (verb == "module") {
      modules_ += first + " 16384 " + second + " " + (rest == "-" ? rest : rest + ",") +
                  " Live 0x0000000000000000\n";
      return;
    }
    if (verb == "route") {
      routes_ += first + "\t00000000\t0100000A\t0003\t0\t0\t100\t00000000\t0\t0\t0\n";
      return;
    }
    if (verb == "forget") return routes_.clear();
    if (verb == "console")
      return put(root_ / "sys/class/tty/console/active",
                 first + (second.empty() ? "" : " " + second) + "\n");
    if (verb == "root")
      return put(root_ / "proc/self/mountinfo",
                 "22 27 0:21 / /proc rw,relatime - proc proc rw\n27 1 " + first +
                     " / / rw,relatime shared:1 - " + second + " " + rest + " rw\n");
    throw std::runtime_error("no line of a machine: " + line);
  }

  std::string texts_;
  fs::path root_;
  std::string modules_, routes_;
};

}  // namespace

void lay_out_machine(const std::string& folder, const std::string& name, const std::string& into) {
  Layout layout(folder, into);
  layout.file(name + ".tree");
  layout.finish();
}

void lay_out_lines(const std::string& lines, const std::string& into) {
  Layout layout("", into);
  layout.lines(lines);
  layout.finish();
}

}  // namespace cube
