// SystemdBootLoader: plays the turn of systemd-boot 252 on the files of an appliance laid out in a
// folder, with its own laxness: it reads whatever entries it finds, matches names as patterns in
// lower case, and clears the one-shot before it counts. tests/machine may prove the real one; this
// one is for tests that need speed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/support/efi_machine.h"

namespace cube {

class SystemdBootLoader {
 public:
  explicit SystemdBootLoader(std::string folder) : folder_(std::move(folder)) {}

  // The partition and the variables as an image builder and a first start leave them, and two
  // slots.
  void install(SlotId fallback);
  // One start of the machine, as GrubLoader::start(). An exception if no entry can be started.
  Started start();

  [[nodiscard]] std::string esp() const { return folder_ + "/boot/efi"; }
  [[nodiscard]] std::string entry(const std::string& id) const {
    return esp() + "/loader/entries/" + id;
  }
  [[nodiscard]] std::string loader_conf() const { return esp() + "/loader/loader.conf"; }
  [[nodiscard]] std::string variable(const std::string& name) const;
  // "" removes it.
  void set_variable(const std::string& name, const std::string& text) const;
  [[nodiscard]] std::string text_of(const std::string& name) const;  // "" when it is not set

 private:
  struct Entry {
    std::string file, id;
    std::map<std::string, std::string> lines;
    int left = -1, done = -1;  // -1: no counter
  };
  [[nodiscard]] std::vector<Entry> entries() const;
  [[nodiscard]] Entry choose(const std::vector<Entry>& entries, const std::string& one_shot) const;
  void count(Entry& entry) const;

  std::string folder_;
};

}  // namespace cube
