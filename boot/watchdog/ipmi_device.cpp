#include "boot/watchdog/ipmi_device.h"

#include <fcntl.h>
#include <linux/ipmi.h>
#include <linux/ipmi_msgdefs.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <thread>

namespace cube {
namespace {

using std::chrono::steady_clock;

constexpr const char* path = "dev/ipmi0";
constexpr auto answer_within = std::chrono::seconds(5);
constexpr auto pause_when_busy = std::chrono::milliseconds(200);
constexpr int times_in_all = 3;
constexpr char node_busy = '\xc0';

ipmi_system_interface_addr bmc_address() {
  ipmi_system_interface_addr address{};
  address.addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE;
  address.channel = IPMI_BMC_CHANNEL;
  return address;
}

int milliseconds_until(steady_clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
  return static_cast<int>(std::max<std::int64_t>(0, left.count()));
}

}  // namespace

Result<IpmiReply> IpmiDevice::ask(const IpmiRequest& request) {
  if (!device_.valid()) {
    auto device = root_.open_file(path, O_RDWR);
    if (!device && device.error().code == Errc::not_found)
      return Error{Errc::not_found,
                   "no BMC: " + root_.join(path) +
                       " does not exist; if the machine has one, load the modules ipmi_si and "
                       "ipmi_devintf"};
    CUBE_TRY(device_, std::move(device));
  }
  for (int times = 1;; ++times) {
    auto reply = ask_once(request);
    const bool busy = reply && !reply->data.empty() && reply->data[0] == node_busy;
    if (!busy || times == times_in_all) return reply;
    std::this_thread::sleep_for(pause_when_busy);
  }
}

Result<IpmiReply> IpmiDevice::ask_once(const IpmiRequest& request) {
  auto address = bmc_address();
  std::string data = request.data;
  ipmi_req question{};
  question.addr = reinterpret_cast<unsigned char*>(&address);
  question.addr_len = sizeof address;
  question.msgid = ++asked_;
  question.msg.netfn = request.netfn;
  question.msg.cmd = request.command;
  question.msg.data_len = static_cast<unsigned short>(data.size());
  question.msg.data = reinterpret_cast<unsigned char*>(data.data());
  if (::ioctl(device_.get(), IPMICTL_SEND_COMMAND, &question) != 0)
    return system_error(root_.join(path) + ": send");
  return receive(asked_);
}

Result<IpmiReply> IpmiDevice::receive(long number) {
  const auto deadline = steady_clock::now() + answer_within;
  for (;;) {
    pollfd ready{device_.get(), POLLIN, 0};
    const int left = milliseconds_until(deadline);
    const int seen = left > 0 ? ::poll(&ready, 1, left) : 0;
    if (seen < 0 && errno == EINTR) continue;
    if (seen < 0) return system_error(root_.join(path) + ": poll");
    if (seen == 0) return Error{Errc::unreachable, root_.join(path) + ": the BMC does not answer"};
    ipmi_addr address{};
    std::array<unsigned char, IPMI_MAX_MSG_LENGTH> data{};
    ipmi_recv answer{};
    answer.addr = reinterpret_cast<unsigned char*>(&address);
    answer.addr_len = sizeof address;
    answer.msg.data = data.data();
    answer.msg.data_len = static_cast<unsigned short>(data.size());
    if (::ioctl(device_.get(), IPMICTL_RECEIVE_MSG_TRUNC, &answer) != 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return system_error(root_.join(path) + ": receive");
    }
    if (answer.recv_type != IPMI_RESPONSE_RECV_TYPE || answer.msgid != number) continue;
    const std::size_t length = std::min<std::size_t>(answer.msg.data_len, data.size());
    return IpmiReply{answer.msg.netfn, answer.msg.cmd,
                     std::string(reinterpret_cast<const char*>(data.data()), length)};
  }
}

}  // namespace cube
