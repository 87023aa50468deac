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

// The answer to ListUnitsFiltered and its like: name and active state of each.
Result<std::vector<UnitState>> units_in(sd_bus_message* reply) {
  if (const int entered = sd_bus_message_enter_container(reply, 'a', "(ssssssouso)"); entered < 0)
    return bus_error("read a list of units", entered);
  std::vector<UnitState> units;
  for (;;) {
    const char *name, *description, *load, *active, *sub, *following, *path, *job_type, *job_path;
    std::uint32_t job = 0;
    const int read =
        sd_bus_message_read(reply, "(ssssssouso)", &name, &description, &load, &active, &sub,
                            &following, &path, &job, &job_type, &job_path);
    if (read < 0) return bus_error("read a list of units", read);
    if (read == 0) return units;
    units.push_back({name, active});
  }
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
  CUBE_TRY(const auto units, units_in(reply.get()));
  std::vector<std::string> names;
  names.reserve(units.size());
  for (const auto& unit : units) names.push_back(unit.name);
  return names;
}

Result<std::vector<UnitState>> states_of(const std::vector<std::string>& units) {
  CUBE_TRY(const auto bus, connect());
  sd_bus_message* raw_call = nullptr;
  if (const int r = sd_bus_message_new_method_call(bus.get(), &raw_call, destination, object,
                                                   interface, "ListUnitsByNames");
      r < 0)
    return bus_error("ask for units", r);
  const Message call(raw_call);
  std::vector<char*> names;
  for (const auto& unit : units) names.push_back(const_cast<char*>(unit.c_str()));
  names.push_back(nullptr);
  if (const int r = sd_bus_message_append_strv(raw_call, names.data()); r < 0)
    return bus_error("ask for units", r);
  sd_bus_error error{};
  sd_bus_message* raw = nullptr;
  const int r = sd_bus_call(bus.get(), raw_call, answer_within_us, &error, &raw);
  CUBE_TRY(const auto reply, answer(r, raw, error, "list units"));
  return units_in(reply.get());
}

Result<std::optional<std::uint32_t>> soft_reboots() {
  CUBE_TRY(const auto bus, connect());
  sd_bus_error error{};
  std::uint32_t count = 0;
  const int r = sd_bus_get_property_trivial(bus.get(), destination, object, interface,
                                            "SoftRebootsCount", &error, 'u', &count);
  const bool unknown = sd_bus_error_has_name(&error, SD_BUS_ERROR_UNKNOWN_PROPERTY) != 0;
  sd_bus_error_free(&error);
  if (unknown) return std::optional<std::uint32_t>();
  if (r < 0) return bus_error("SoftRebootsCount", r);
  return std::optional(count);
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
