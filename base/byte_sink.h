// Takes bytes in order, in pieces of any size; an error ends the transfer and is passed on.
#pragma once

#include <functional>
#include <string_view>

#include "base/result.h"

namespace cube {

using ByteSink = std::function<Status(std::string_view)>;

}  // namespace cube
