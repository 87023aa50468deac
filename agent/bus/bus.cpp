#include "agent/bus/bus.h"

#include <systemd/sd-bus.h>

#include "agent/bus/job_output.h"

namespace cube::bus {

const char* error_name(Errc code) {
  switch (code) {
    case Errc::invalid:
      return SD_BUS_ERROR_INVALID_ARGS;
    case Errc::refused:
      return "co.bigstack.CubeUpdate1.Error.Refused";
    case Errc::nothing_to_do:
      return "co.bigstack.CubeUpdate1.Error.NothingToDo";
    case Errc::untrusted:
      return "co.bigstack.CubeUpdate1.Error.Untrusted";
    case Errc::unsuitable:
      return "co.bigstack.CubeUpdate1.Error.Unsuitable";
    case Errc::corrupt:
      return "co.bigstack.CubeUpdate1.Error.Damaged";
    case Errc::no_space:
      return "co.bigstack.CubeUpdate1.Error.NoSpace";
    case Errc::unreachable:
      return "co.bigstack.CubeUpdate1.Error.Unreachable";
    case Errc::busy:
      return "co.bigstack.CubeUpdate1.Error.Busy";
    case Errc::cannot_arm:
      return "co.bigstack.CubeUpdate1.Error.CannotArm";
    case Errc::cancelled:
      return "co.bigstack.CubeUpdate1.Error.Cancelled";
    case Errc::failed:
    case Errc::not_found:
    case Errc::bug:
      return "co.bigstack.CubeUpdate1.Error.Failed";
  }
  return "co.bigstack.CubeUpdate1.Error.Failed";
}

Errc code_of_exit(int code) {
  switch (code) {
    case 2:
      return Errc::invalid;
    case 3:
      return Errc::nothing_to_do;
    case 4:
      return Errc::untrusted;
    case 5:
      return Errc::unsuitable;
    case 6:
      return Errc::refused;
    case 7:
      return Errc::corrupt;
    case 8:
      return Errc::no_space;
    case 9:
      return Errc::unreachable;
    case 10:
      return Errc::busy;
    case 11:
      return Errc::cannot_arm;
    case 130:
      return Errc::cancelled;
    default:
      return Errc::failed;
  }
}

int refuse(sd_bus_message* call, const Error& error) {
  sd_bus_reply_method_errorf(call, error_name(error.code), "%s", one_line(error.what).c_str());
  return 1;
}

Error bus_error(const char* what, int negative_errno) {
  return system_error(std::string("D-Bus: ") + what, -negative_errno);
}

}  // namespace cube::bus
