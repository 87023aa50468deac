// SimulatedBmc: a BMC that speaks the messages of IPMI 2.0 which cube-update uses: watchdog timer,
// restart cause, event log. It checks requests as strictly as the specification allows, and can be
// told to misbehave.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "boot/watchdog/ipmi_channel.h"

namespace cube {

class SimulatedBmc final : public IpmiChannel {
 public:
  Result<IpmiReply> ask(const IpmiRequest& request) override;

  // The timer runs out: what its action does to the machine is left to the test.
  void expire();
  // Time passes while it runs, less than it has.
  void pass(unsigned seconds);

  // --- What it is like
  bool absent = false;      // no device node
  int appears_after = 0;    // questions that find none
  bool silent = false;      // no answer
  bool has_log = true;      // else every command of its log is refused
  bool tells_cause = true;  // restart cause
  bool logs_expiry = true;
  bool keeps_flags = false;  // signs of expiry cannot be cleared
  bool never_starts = false;
  bool never_stops = false;
  std::size_t log_room = 1000;
  std::map<int, std::uint8_t> refuses;  // netfn << 8 | command -> completion code
  std::function<void(IpmiReply&)> twist = [](IpmiReply&) {};  // of every answer

  // --- What it has
  std::uint8_t use = 0, action = 0, expired = 0, cause = 0;
  bool running = false;
  unsigned countdown = 0;        // 100 ms: what it was set to
  unsigned passed = 0;           // of it, since it was started
  std::uint32_t time = 1000;     // its clock
  std::vector<std::string> log;  // records of 16 bytes
  std::vector<IpmiRequest> asked;

  void add_entry(std::uint8_t sensor_type, std::uint8_t event);

 private:
  std::string answer(const IpmiRequest& request);
  std::string set_watchdog(const std::string& data);
  std::string log_command(const IpmiRequest& request);
  std::string read_entry(const std::string& data) const;
  std::uint16_t last_id_ = 0;
};

}  // namespace cube
