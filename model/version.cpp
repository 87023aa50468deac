#include "model/version.h"

namespace cube {

Result<Version> Version::parse(const std::string& text) {
  const Error wrong{Errc::invalid, "not a version of dotted numbers like 2.2.4"};
  if (text.empty() || text.size() > 64) return wrong;
  Version version;
  version.text_ = text;
  std::size_t count = 0;
  for (std::size_t at = 0; at <= text.size(); ++count) {
    const auto end = std::min(text.find('.', at), text.size());
    if (count == version.numbers_.size() || end == at || end - at > 9) return wrong;
    std::uint32_t number = 0;
    for (; at < end; ++at) {
      if (text[at] < '0' || text[at] > '9') return wrong;
      number = number * 10 + static_cast<std::uint32_t>(text[at] - '0');
    }
    version.numbers_.at(count) = number;
    at = end + 1;
  }
  return version;
}

}  // namespace cube
