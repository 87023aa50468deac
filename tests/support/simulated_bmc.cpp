#include "tests/support/simulated_bmc.h"

namespace cube {
namespace {

constexpr char ok_code = 0;

std::string one(std::uint8_t value) {
  return std::string(1, static_cast<char>(value));
}
std::string little(std::uint32_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text.push_back(static_cast<char>(value >> (8 * i)));
  return text;
}
std::uint8_t at(const std::string& bytes, std::size_t index) {
  return static_cast<std::uint8_t>(bytes[index]);
}
std::string good(const std::string& data = "") {
  return ok_code + data;
}

}  // namespace

Result<IpmiReply> SimulatedBmc::ask(const IpmiRequest& request) {
  if (absent || (appears_after > 0 && appears_after-- > 0)) return Error{Errc::not_found, "no BMC"};
  if (silent) return Error{Errc::unreachable, "the BMC does not answer"};
  asked.push_back(request);
  const auto refused = refuses.find(request.netfn << 8 | request.command);
  IpmiReply reply{static_cast<std::uint8_t>(request.netfn | 1), request.command,
                  refused != refuses.end() ? one(refused->second) : answer(request)};
  twist(reply);
  return reply;
}

void SimulatedBmc::expire() {
  if (!running) return;
  running = false;
  expired = static_cast<std::uint8_t>(expired | 1 << use);
  time += countdown / 10;
  if (tells_cause) cause = 4;
  if (logs_expiry && has_log) add_entry(0x23, action);
}

void SimulatedBmc::pass(unsigned seconds) {
  passed += seconds * 10;
  time += seconds;
}

void SimulatedBmc::add_entry(std::uint8_t sensor_type, std::uint8_t event) {
  log.push_back(little(++last_id_, 2) + '\x02' + little(time, 4) + one(0x20) + one(0) + '\x04' +
                one(sensor_type) + one(1) + '\x6f' + one(event) + "\xff\xff");
}

std::string SimulatedBmc::answer(const IpmiRequest& request) {
  switch (request.netfn << 8 | request.command) {
    case 0x0624:
      return set_watchdog(request.data);
    case 0x0622:
      if (use == 0) return one(0x80);
      running = !never_starts;
      passed = 0;
      return good();
    case 0x0625:
      return good(one(static_cast<std::uint8_t>(use | (running ? 0x40 : 0))) + one(action) +
                  one(0) + one(expired) + little(countdown, 2) + little(countdown - passed, 2));
    case 0x0007:
      return good(one(cause) + one(0));
    default:
      return request.netfn == 0x0a && has_log ? log_command(request) : one(0xc1);
  }
}

std::string SimulatedBmc::set_watchdog(const std::string& data) {
  if (data.size() != 6) return one(0xc7);
  const std::uint8_t new_use = at(data, 0) & 0x07;
  if (new_use < 1 || new_use > 5 || (at(data, 1) & 0x07) > 3) return one(0xcc);
  const bool goes_on = (at(data, 0) & 0x40) != 0;
  use = new_use;
  action = at(data, 1) & 0x07;
  if (!keeps_flags) expired = static_cast<std::uint8_t>(expired & ~at(data, 3));
  countdown = static_cast<unsigned>(at(data, 4) | at(data, 5) << 8);
  passed = 0;
  running = running && (goes_on || never_stops);
  return good();
}

std::string SimulatedBmc::log_command(const IpmiRequest& request) {
  switch (request.command) {
    case 0x40:
      return good(one(0x51) + little(static_cast<std::uint32_t>(log.size()), 2) + little(4096, 2) +
                  little(time, 4) + little(0, 4) + one(0));
    case 0x43:
      return read_entry(request.data);
    case 0x44:
      if (request.data.size() != 16) return one(0xc7);
      if (log.size() >= log_room) return one(0xc4);
      log.push_back(little(++last_id_, 2) + one(at(request.data, 2)) + little(time, 4) +
                    request.data.substr(7));
      return good(little(last_id_, 2));
    case 0x48:
      return good(little(time, 4));
    default:
      return one(0xc1);
  }
}

std::string SimulatedBmc::read_entry(const std::string& data) const {
  if (data.size() != 6 || at(data, 4) != 0 || at(data, 5) != 0xff) return one(0xcc);
  const std::string wanted = data.substr(2, 2);
  for (std::size_t i = 0; i < log.size(); ++i) {
    const bool found = (wanted == little(0, 2) && i == 0) ||
                       (wanted == little(0xffff, 2) && i + 1 == log.size()) ||
                       log[i].substr(0, 2) == wanted;
    if (found)
      return good((i + 1 < log.size() ? log[i + 1].substr(0, 2) : little(0xffff, 2)) + log[i]);
  }
  return one(0xcb);
}

}  // namespace cube
