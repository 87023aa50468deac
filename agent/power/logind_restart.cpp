#include "agent/power/logind_restart.h"

#include <systemd/sd-bus.h>

#include <memory>

#include "agent/power/logind_absence.h"

namespace cube {
namespace {

constexpr std::uint64_t answer_within_us = 15'000'000;

struct BusCloser {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};

}  // namespace

Status ask_logind_to_reboot() {
  sd_bus* opened = nullptr;
  if (const int r = sd_bus_open_system(&opened); r < 0)
    return Error{Errc::not_found, system_error("system bus", -r).what};
  const std::unique_ptr<sd_bus, BusCloser> bus(opened);
  sd_bus_set_method_call_timeout(opened, answer_within_us);
  sd_bus_error error{};
  constexpr int nobody_is_asked = 0;
  const int r = sd_bus_call_method(opened, "org.freedesktop.login1", "/org/freedesktop/login1",
                                   "org.freedesktop.login1.Manager", "Reboot", &error, nullptr, "b",
                                   nobody_is_asked);
  const bool absent = tells_logind_is_absent(error.name);
  const std::string text = error.message != nullptr ? std::string(": ") + error.message : "";
  sd_bus_error_free(&error);
  if (r >= 0) return ok();
  Error failed = system_error("logind: restart" + text, -r);
  failed.code = absent ? Errc::not_found : Errc::failed;
  return failed;
}

}  // namespace cube
