// IpmiDevice: the BMC behind the kernel's ipmi_devintf driver, dev/ipmi0 below the root.
//
// Opened at the first question, and kept open. An answer is waited for at most 5 s, however many
// others come in between; answers to earlier questions are thrown away. A BMC that is busy is asked
// three times in all.
#pragma once

#include "base/fd.h"
#include "base/root_dir.h"
#include "boot/watchdog/ipmi_channel.h"

namespace cube {

class IpmiDevice final : public IpmiChannel {
 public:
  explicit IpmiDevice(const RootDir& root) : root_(root) {}  // `root` outlives it
  Result<IpmiReply> ask(const IpmiRequest& request) override;

 private:
  Result<IpmiReply> ask_once(const IpmiRequest& request);
  Result<IpmiReply> receive(long number);

  const RootDir& root_;
  Fd device_;
  long asked_ = 0;
};

}  // namespace cube
