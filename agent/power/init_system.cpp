#include "agent/power/init_system.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include <memory>

namespace cube {
namespace {

constexpr const char* private_socket = "unix:path=/run/systemd/private";
constexpr const char* destination = "org.freedesktop.systemd1";
constexpr const char* object = "/org/freedesktop/systemd1";
constexpr const char* interface = "org.freedesktop.systemd1.Manager";
constexpr std::uint64_t answer_within_us = 30'000'000;

struct BusCloser {
  void operator()(sd_bus* bus) const { sd_bus_flush_close_unref(bus); }
};
struct MessageCloser {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Bus = std::unique_ptr<sd_bus, BusCloser>;
using Message = std::unique_ptr<sd_bus_message, MessageCloser>;

Error bus_error(const std::string& what, int negative_errno) {
  return system_error("systemd: " + what, -negative_errno);
}

Result<Bus> connect() {
  sd_bus* raw = nullptr;
  if (const int r = sd_bus_new(&raw); r < 0) return bus_error("new connection", r);
  Bus bus(raw);
  if (const int r = sd_bus_set_address(raw, private_socket); r < 0) return bus_error("address", r);
  if (const int r = sd_bus_start(raw); r < 0) return bus_error("connect to its private socket", r);
  if (const int r = sd_bus_set_method_call_timeout(raw, answer_within_us); r < 0)
    return bus_error("time limit", r);
  return bus;
}

// Ends the message's life and the error's on every path.
Result<Message> answer(int r, sd_bus_message* reply, sd_bus_error& error, const std::string& what) {
  Message message(reply);
  const std::string text = error.message != nullptr ? std::string(": ") + error.message : "";
  sd_bus_error_free(&error);
  if (r < 0) return bus_error(what + text, r);
  return message;
}

}  // namespace

bool systemd_runs() { return sd_booted() > 0; }

Result<std::vector<std::string>> failed_units() {
  CUBE_TRY(const auto bus, connect());
  sd_bus_error error{};
  sd_bus_message* raw = nullptr;
  const int r = sd_bus_call_method(bus.get(), destination, object, interface, "ListUnitsFiltered",
                                   &error, &raw, "as", 1, "failed");
  CUBE_TRY(const auto reply, answer(r, raw, error, "list failed units"));
  if (const int entered = sd_bus_message_enter_container(reply.get(), 'a', "(ssssssouso)");
      entered < 0)
    return bus_error("read the list of failed units", entered);
  std::vector<std::string> units;
  for (;;) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    const int read = sd_bus_message_read(reply.get(), "(ssssssouso)", &name, &description, &load,
                                         &active, &sub, &following, &path, &job, &job_type,
                                         &job_path);
    if (read < 0) return bus_error("read the list of failed units", read);
    if (read == 0) return units;
    units.emplace_back(name);
  }
}

Status start_reboot() {
  CUBE_TRY(const auto bus, connect());
  sd_bus_error error{};
  sd_bus_message* raw = nullptr;
  const int r = sd_bus_call_method(bus.get(), destination, object, interface, "StartUnit", &error,
                                   &raw, "ss", "reboot.target", "replace-irreversibly");
  CUBE_TRY(const auto reply, answer(r, raw, error, "start reboot.target"));
  return ok();
}

}  // namespace cube
