// What a transfer is told as it arrives.
#pragma once

#include <string_view>

namespace cube {

class Receiver {
 public:
  virtual ~Receiver() = default;
  // One line of a head, with its end. False: the transfer is to be ended.
  virtual bool take_head(std::string_view line) = 0;
  virtual bool take_body(std::string_view bytes) = 0;
};

}  // namespace cube
