// bus_caller: callers as busctl cannot play them. Tests run it beside the real service.
//
//   bus_caller ADDRESS calls N     N calls of GetAll under way at the same time, over up to 10
//                                 connections; prints "answers N errors M"
//   bus_caller ADDRESS signals N   N signals to the service that it did not ask for
//   bus_caller ADDRESS folder FD METHOD [RELEASE]
//                                 hands a descriptor over as option "folder", with no-reboot for
//                                 Apply; prints the job's number or the release, or the error
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
  std::fprintf(stderr, "bus_caller: errno %d\n", -result);
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

int hand_over(const char* address, int fd, const std::string& method, const char* release) {
  sd_bus* bus = connect(address);
  sd_bus_message *call = nullptr, *reply = nullptr;
  demand(sd_bus_message_new_method_call(bus, &call, name, object, name, method.c_str()));
  if (release != nullptr) demand(sd_bus_message_append(call, "s", release));
  if (method == "Apply")
    demand(sd_bus_message_append(call, "a{sv}", 2, "folder", "h", fd, "no-reboot", "b", 1));
  else
    demand(sd_bus_message_append(call, "a{sv}", 1, "folder", "h", fd));
  sd_bus_error error{};
  constexpr std::uint64_t two_minutes = 120'000'000;
  const bool answered = sd_bus_call(bus, call, two_minutes, &error, &reply) >= 0;
  std::uint32_t job = 0;
  const char* key = nullptr;
  const char* found = nullptr;
  if (!answered) {
    std::fprintf(stderr, "%s\n", error.message);
  } else if (method == "Check") {
    demand(sd_bus_message_enter_container(reply, 'a', "{sv}"));
    demand(sd_bus_message_enter_container(reply, 'e', "sv"));
    demand(sd_bus_message_read(reply, "s", &key));
    demand(sd_bus_message_read(reply, "v", "s", &found));
    std::printf("%s %s\n", key, found);
  } else {
    demand(sd_bus_message_read(reply, "u", &job));
    std::printf("u %u\n", job);
  }
  sd_bus_error_free(&error);
  sd_bus_message_unref(call);
  sd_bus_message_unref(reply);
  sd_bus_flush_close_unref(bus);
  return answered ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc >= 5 && std::string(argv[2]) == "folder")
    return hand_over(argv[1], std::atoi(argv[3]), argv[4], argc > 5 ? argv[5] : nullptr);
  if (argc != 4) return 2;
  const int count = std::atoi(argv[3]);
  if (std::string(argv[2]) == "calls")
    call(argv[1], count);
  else
    signal(argv[1], count);
  return 0;
}
