// IpmiChannel: one question to the BMC and its answer. The seam between the messages, which are
// ours, and the way there, which is the kernel's (ipmi_device.h) or a test's.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace cube {

struct IpmiRequest {
  std::uint8_t netfn = 0;  // even
  std::uint8_t command = 0;
  std::string data;  // bytes
};

// Foreign bytes: believed by nobody but ipmi_messages.h.
struct IpmiReply {
  std::uint8_t netfn = 0;
  std::uint8_t command = 0;
  std::string data;  // bytes; the first is the completion code
};

class IpmiChannel {
 public:
  virtual ~IpmiChannel() = default;
  // Errors: not_found (no BMC, or no driver for it), unreachable (no answer in time), failed.
  virtual Result<IpmiReply> ask(const IpmiRequest& request) = 0;
};

}  // namespace cube
