// The properties of the service's object: how each is put into a message.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "agent/bus/bus.h"
#include "agent/bus/facts.h"
#include "base/progress.h"

namespace cube::bus {

struct Shown {
  const Facts& facts;
  const Progress& progress;
  const std::string& says;  // what the job does, for Progress
};

// The signature of a property; nullptr: there is none of that name.
[[nodiscard]] const char* signature_of(std::string_view property);
// The value alone. Below 0: an errno of sd-bus.
int append_value(sd_bus_message* to, std::string_view property, const Shown& shown);
// All of them as a{sv}.
int append_all(sd_bus_message* to, const Shown& shown);
// Names of those that differ, with a nullptr at the end of the list's pointers.
[[nodiscard]] std::vector<const char*> changed(const Facts& before, const Facts& after);

}  // namespace cube::bus
