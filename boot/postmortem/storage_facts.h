// StorageFacts: which storage controllers, drivers and disks a kernel saw. Bounded: of each kind
// the first 64.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cube {

class StorageFacts {
 public:
  void read(std::string_view line);

  [[nodiscard]] bool any_disk() const { return !disks_.empty(); }
  [[nodiscard]] bool any_driver() const { return !drivers_.empty(); }
  [[nodiscard]] const std::vector<std::string>& disks() const { return disks_; }
  [[nodiscard]] const std::vector<std::string>& drivers() const { return drivers_; }
  // The last list of disks, in the initramfs' last words, was empty.
  [[nodiscard]] bool told_none() const { return told_none_; }

  struct Controller {
    std::string address;  // "0000:00:1f.2"
    std::string driver;   // that is known to serve it; its kind, "a SATA controller", else
    std::string family;   // how its disks are named: "sd", "nvme", "vd"
    std::string line;
    bool bound = false;
  };
  // The first one that no driver spoke of; null without one.
  [[nodiscard]] const Controller* unbound() const;
  // The same among those whose disks would be named as `device` is.
  [[nodiscard]] const Controller* unbound_for(std::string_view device) const;
  // A disk of the family of `device` ("/dev/sda2") was seen.
  [[nodiscard]] bool family_seen(std::string_view device) const;

 private:
  void read_controller(std::string_view line);
  void read_driver(std::string_view line);
  void read_disk(std::string_view line);
  void read_partition_list(std::string_view line);
  void read_breadcrumb(std::string_view line);
  void add_disk(std::string_view name);
  void add_driver(std::string_view name);

  std::vector<Controller> controllers_;
  std::vector<std::string> drivers_;
  std::vector<std::string> disks_;
  int list_lines_left_ = 0;
  bool told_none_ = false;
};

// A driver of storage controllers or disks: "ahci", "megaraid_sas", with - or _.
[[nodiscard]] bool is_storage_module(std::string_view module);

}  // namespace cube
