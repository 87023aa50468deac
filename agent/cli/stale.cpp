#include "agent/cli/stale.h"

#include <unistd.h>

#include "base/log.h"

namespace cube::cli {

Status accept_stale(Appliance& appliance) {
  if (appliance.root().path() == "/" && ::geteuid() != 0)
    return Error{Errc::refused, "--accept-stale: only root may believe what has expired"};
  appliance.source().accept_stale();
  return ok();
}

std::string log_stale(Appliance& appliance) {
  const auto channel = appliance.source().channel();
  if (!channel || (*channel)->stale().empty()) return "";
  std::string sentence = "expired, and accepted by an operator:";
  for (const auto& document : (*channel)->stale()) sentence += " " + document + ";";
  sentence.pop_back();
  log(Level::warning, "user " + std::to_string(::getuid()) + ": " + sentence);
  return sentence;
}

}  // namespace cube::cli
