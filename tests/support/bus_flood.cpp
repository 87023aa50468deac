// bus_flood: many callers at once. Tests run it beside the real service.
//
//   bus_flood ADDRESS calls N     N calls of GetAll under way at the same time, over up to 10
//                                 connections; prints "answers N errors M"
//   bus_flood ADDRESS signals N   N signals to the service that it did not ask for
#include <systemd/sd-bus.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr const char* name = "co.bigstack.CubeUpdate1";
constexpr const char* object = "/co/bigstack/CubeUpdate1";
int answers = 0, errors = 0;

void demand(int result) {
  if (result >= 0) return;
  std::fprintf(stderr, "bus_flood: errno %d\n", -result);
  std::exit(1);
}

sd_bus* connect(const char* address) {
  sd_bus* bus = nullptr;
  demand(sd_bus_new(&bus));
  demand(sd_bus_set_address(bus, address));
  demand(sd_bus_set_bus_client(bus, 1));
  demand(sd_bus_start(bus));
  return bus;
}

int on_answer(sd_bus_message* reply, void*, sd_bus_error*) {
  if (sd_bus_message_is_method_error(reply, nullptr) != 0)
    ++errors;
  else
    ++answers;
  return 0;
}

void call(const char* address, int count) {
  std::vector<sd_bus*> connections;
  for (int i = 0; i < 10; ++i) connections.push_back(connect(address));
  for (int i = 0; i < count; ++i)
    demand(sd_bus_call_method_async(connections[static_cast<std::size_t>(i) % connections.size()],
                                    nullptr, name, object, "org.freedesktop.DBus.Properties",
                                    "GetAll", &on_answer, nullptr, "s", name));
  for (auto* bus : connections) demand(sd_bus_flush(bus));
  while (answers + errors < count)
    for (auto* bus : connections) {
      int more = 0;
      while ((more = sd_bus_process(bus, nullptr)) > 0) {
      }
      demand(more);
      demand(sd_bus_wait(bus, 1000));
    }
  for (auto* bus : connections) sd_bus_flush_close_unref(bus);
  std::printf("answers %d errors %d\n", answers, errors);
}

void signal(const char* address, int count) {
  sd_bus* bus = connect(address);
  for (int i = 0; i < count; ++i) {
    sd_bus_message* message = nullptr;
    demand(sd_bus_message_new_signal(bus, &message, object, name, "Completed"));
    demand(sd_bus_message_append(message, "usis", 1, "Apply", 0, "not true"));
    demand(sd_bus_send_to(bus, message, name, nullptr));
    sd_bus_message_unref(message);
    if (i % 100 == 99) demand(sd_bus_flush(bus));
  }
  sd_bus_flush_close_unref(bus);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const int count = std::atoi(argv[3]);
  if (std::string(argv[2]) == "calls")
    call(argv[1], count);
  else
    signal(argv[1], count);
  return 0;
}
