// Real block devices for tests that run as root: loop devices over sparse files, and mounts. All of
// it lives in a mount namespace of the test's own and goes with the process, however that ends.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "base/fd.h"

namespace cube {

// Why there can be no loop devices here, or "". To be asked once, before there are threads: what it
// finds missing is told, and on a machine that has root and loop devices nothing is.
std::string enter_block_devices();

// Throws std::system_error when it cannot be made, for then the test is worth nothing.
class LoopDevice {
 public:
  // A sparse file of that size at `image`, and a device node for it at `node`.
  LoopDevice(std::string image, std::uint64_t bytes, std::string node);
  LoopDevice(const LoopDevice&) = delete;
  LoopDevice& operator=(const LoopDevice&) = delete;
  ~LoopDevice();

  [[nodiscard]] const std::string& node() const { return node_; }
  [[nodiscard]] dev_t number() const { return number_; }

 private:
  std::string node_;
  dev_t number_ = 0;
  Fd held_;  // the kernel takes the device down when the last descriptor and mount are gone
};

class Mount {
 public:
  Mount(const std::string& source, std::string target, const char* type, unsigned long flags = 0);
  Mount(const Mount&) = delete;
  Mount& operator=(const Mount&) = delete;
  ~Mount();

 private:
  std::string target_;
};

}  // namespace cube
