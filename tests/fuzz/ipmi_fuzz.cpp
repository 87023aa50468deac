// A BMC's answers: the first byte chooses the message, then come the answer's network function, its
// command and its data. No crash, and nothing out of range comes out.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "boot/watchdog/ipmi_messages.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube;
  if (size < 3) return 0;
  const IpmiReply reply{data[1], data[2],
                        std::string(reinterpret_cast<const char*>(data) + 3, size - 3)};
  switch (data[0] % 7) {
    case 0:
      if (const auto timer = ipmi::parse_watchdog(reply)) {
        demand(timer->use <= 7 && timer->action <= 7 && (timer->expired & 0xc1) == 0);
        demand(timer->seconds >= 0 && timer->seconds <= 6553);
      }
      break;
    case 1:
      if (const auto cause = ipmi::parse_restart_cause(reply)) demand(*cause <= 15);
      break;
    case 2:
      static_cast<void>(ipmi::parse_log_info(reply));
      break;
    case 3:
      static_cast<void>(ipmi::parse_log_time(reply));
      break;
    case 4:
      if (const auto entry = ipmi::parse_log_entry(reply)) {
        demand(entry->id != ipmi::first_entry && entry->id != ipmi::last_entry);
        demand(!entry->watchdog_event || *entry->watchdog_event <= 15);
      }
      break;
    case 5:
      static_cast<void>(ipmi::parse_added_entry(reply));
      break;
    default: {
      const auto status = ipmi::parse_empty(ipmi::reset_watchdog(), reply);
      demand(!status || reply.data == std::string(1, '\0'));
      if (!status)
        for (const char c : status.error().what) demand(c >= 0x20 && c < 0x7f);
    }
  }
  return 0;
}
