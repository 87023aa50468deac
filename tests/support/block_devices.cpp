#include "tests/support/block_devices.h"

#include <fcntl.h>
#include <linux/loop.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

namespace cube {
namespace {

constexpr const char* loop_control = "/dev/loop-control";
constexpr unsigned loop_major = 7;

[[noreturn]] void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

std::string enter_block_devices() {
  if (::geteuid() != 0) return "real block devices are not tested: not root";
  const Fd control(::open(loop_control, O_RDWR | O_CLOEXEC));
  if (!control.valid() || ::ioctl(control.get(), LOOP_CTL_GET_FREE) < 0)
    return "real block devices are not tested: no loop devices here";
  if (::unshare(CLONE_NEWNS) != 0) fail("a mount namespace");
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) fail("private mounts");
  return "";
}

LoopDevice::LoopDevice(std::string image, std::uint64_t bytes, std::string node)
    : node_(std::move(node)) {
  std::ofstream(image).close();
  std::filesystem::resize_file(image, bytes);
  const Fd file(::open(image.c_str(), O_RDWR | O_CLOEXEC));
  if (!file.valid()) fail(image);
  const Fd control(::open(loop_control, O_RDWR | O_CLOEXEC));
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file.get());
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (;;) {  // until nobody else was faster with the free number
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) fail("a free loop device");
    number_ = makedev(loop_major, static_cast<unsigned>(number));
    if (::mknod(node_.c_str(), S_IFBLK | 0600, number_) != 0) fail(node_);
    held_ = Fd(::open(node_.c_str(), O_RDWR | O_CLOEXEC));
    if (!held_.valid()) fail(node_);
    if (::ioctl(held_.get(), LOOP_CONFIGURE, &config) == 0) return;
    if (errno != EBUSY) fail("loop device over " + image);
    ::unlink(node_.c_str());
  }
}

LoopDevice::~LoopDevice() {
  ::unlink(node_.c_str());
}

Mount::Mount(const std::string& source, std::string target, const char* type, unsigned long flags)
    : target_(std::move(target)) {
  std::filesystem::create_directories(target_);
  if (::mount(source.c_str(), target_.c_str(), type, flags, nullptr) != 0)
    fail("mount " + source + " at " + target_);
}

Mount::~Mount() {
  ::umount2(target_.c_str(), UMOUNT_NOFOLLOW);
}

}  // namespace cube
