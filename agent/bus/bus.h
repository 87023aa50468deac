// What all of agent/bus/ says on D-Bus. sd-bus does not leave the .cpp files of this folder.
#pragma once

#include "base/result.h"

struct sd_bus;
struct sd_bus_message;

namespace cube::bus {

inline constexpr const char* own_name = "co.bigstack.CubeUpdate1";
inline constexpr const char* object_path = "/co/bigstack/CubeUpdate1";
inline constexpr const char* interface_name = "co.bigstack.CubeUpdate1";
inline constexpr const char* action_prefix = "co.bigstack.cube-update.";  // and the action's own name

// The name of an error on the bus.
[[nodiscard]] const char* error_name(Errc code);
// The same of a run's exit code (agent/cli/exit_code.h).
[[nodiscard]] Errc code_of_exit(int code);
// Answers a method call with an error. 1, as handlers of sd-bus return.
int refuse(sd_bus_message* call, const Error& error);
[[nodiscard]] Error bus_error(const char* what, int negative_errno);

}  // namespace cube::bus
