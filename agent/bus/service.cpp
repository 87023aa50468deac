#include "agent/bus/service.h"

#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>

#include "agent/bus/authority.h"
#include "agent/bus/call.h"
#include "agent/bus/machine_view.h"
#include "agent/bus/properties.h"
#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::size_t max_held = 4096;  // calls that wait for one look at the machine
constexpr std::chrono::milliseconds between_signals{200};
constexpr const char* properties_interface = "org.freedesktop.DBus.Properties";

Result<Method> method_of(sd_bus_message* call) {
  const std::string member = sd_bus_message_get_member(call);
  for (int i = 0; i <= static_cast<int>(Method::diagnose); ++i)
    if (to_string(static_cast<Method>(i)) == member) return static_cast<Method>(i);
  return Error{Errc::bug, "no such method: " + member};
}

std::string action_of(const Job& job) {
  if (job.overrides && !mutated("override-not-asked")) return "override";
  std::string action(to_string(job.method));
  action[0] = static_cast<char>(action[0] - 'A' + 'a');
  return action;
}

using Message = std::shared_ptr<sd_bus_message>;
Message keep(sd_bus_message* message) {
  return {sd_bus_message_ref(message), [](sd_bus_message* m) { sd_bus_message_unref(m); }};
}
Message reply_to(sd_bus_message* call) {
  sd_bus_message* reply = nullptr;
  if (sd_bus_message_new_method_return(call, &reply) < 0) return nullptr;
  return {reply, [](sd_bus_message* m) { sd_bus_message_unref(m); }};
}

int append_check(sd_bus_message* to, const Json& result) {
  const auto text = [&](const char* key) {
    const auto value = result.string_at(key);
    return value ? one_line(*value) : std::string();
  };
  const auto number = [&](const char* key) {
    const auto value = result.unsigned_at(key);
    return value ? *value : 0;
  };
  return sd_bus_message_append(to, "a{sv}", 5, "release", "s", text("release").c_str(), "kernel",
                               "s", text("kernel").c_str(), "epoch", "t", number("epoch"),
                               "tree-bytes", "t", number("tree_bytes"), "stale", "s",
                               text("stale").c_str());
}

// Answers the call of a short job with what came of it.
void answer(sd_bus_message* call, const JobEnd& end) {
  if (end.code != 0) {
    bus::refuse(call, {bus::code_of_exit(end.code), end.message});
    return;
  }
  const auto reply = reply_to(call);
  if (!reply) return;
  if (end.method == Method::check) append_check(reply.get(), end.result);
  if (end.method == Method::diagnose)
    sd_bus_message_append(reply.get(), "s", end.result.line().c_str());
  sd_bus_send(nullptr, reply.get(), nullptr);
}

}  // namespace

struct Service::State {
  Loop& loop;
  ServiceConfig config;
  RootDir root;
  sd_bus* bus = nullptr;
  std::unique_ptr<Authority> authority;
  JobDesk desk;
  MachineView view;
  std::size_t held = 0;
  bool bus_gone = false;
  bool progress_waits = false;  // to be told when the next signal may come
  bool leaving = false, name_given_back = false;
  Loop::Watch idle, next_signal;

  State(Loop& the_loop, ServiceConfig the_config, RootDir the_root);
  ~State() {
    authority.reset();
    sd_bus_flush_close_unref(bus);
  }
  Status connect();

  // Calls.
  static int on_call(sd_bus_message* call, void* state, sd_bus_error*);
  static int on_cancel(sd_bus_message* call, void* state, sd_bus_error*);
  static int on_object(sd_bus_message* call, void* state, sd_bus_error*);
  static int on_property(sd_bus*, const char*, const char*, const char* property,
                         sd_bus_message* reply, void* state, sd_bus_error*);
  void begin(sd_bus_message* call, const Job& job, Fd folder);
  void hold(sd_bus_message* call, const std::string& property, bool all);
  void show(sd_bus_message* call, const std::string& property, bool all) const;
  [[nodiscard]] bus::Shown shown() const { return {view.facts(), desk.progress(), desk.says()}; }

  // What is told.
  void facts_changed(const Facts& before);
  void tell_rollback();
  void tell_progress();
  void job_ended(const JobEnd& end);

  // Coming and going.
  static int on_gone(sd_bus_message*, void* state, sd_bus_error*);
  static int on_name_released(sd_bus_message*, void* state, sd_bus_error*);
  [[nodiscard]] bool at_rest() const {
    return !desk.busy() && !view.busy() && held == 0 && authority->waiting() == 0;
  }
  void rest();
  void leave();
};

Service::State::State(Loop& the_loop, ServiceConfig the_config, RootDir the_root)
    : loop(the_loop),
      config(std::move(the_config)),
      root(std::move(the_root)),
      desk(loop, root, config.desk,
           {[this](const std::string& phase) { view.set_phase(phase); },
            [this] { tell_progress(); }, [this](const JobEnd& end) { job_ended(end); }}),
      view(
          loop,
          [&] {
            Job status;
            status.method = Method::diagnose;  // any that asks no source
            status.words = {"status", "--json"};
            return command_line(config.desk, status);
          }(),
          [this](const Facts& before) { facts_changed(before); }) {}

int Service::State::on_call(sd_bus_message* call, void* data, sd_bus_error*) {
  auto& state = *static_cast<State*>(data);
  const auto method = method_of(call);
  if (!method) return bus::refuse(call, method.error());
  auto asked = bus::read_call(call, *method);
  if (!asked) return bus::refuse(call, asked.error());
  // A std::function is copied; the folder must not be.
  auto kept = std::make_shared<bus::Asked>(std::move(*asked));
  state.authority->ask(call, action_of(kept->job), [&state, kept, message = keep(call)] {
    state.begin(message.get(), kept->job, std::move(kept->folder));
  });
  return 1;
}

void Service::State::begin(sd_bus_message* call, const Job& job, Fd folder) {
  if (leaving) {
    bus::refuse(call, {Errc::busy, "the service is just leaving; ask again"});
    return;
  }
  std::function<void(const JobEnd&)> ended;
  if (!job.is_long())
    ended = [message = keep(call)](const JobEnd& end) { answer(message.get(), end); };
  const auto number = desk.begin(job, std::move(folder), std::move(ended));
  if (!number)
    bus::refuse(call, number.error());
  else if (job.is_long())
    sd_bus_reply_method_return(call, "u", *number);
}

int Service::State::on_cancel(sd_bus_message* call, void* data, sd_bus_error*) {
  auto& state = *static_cast<State*>(data);
  state.authority->ask(call, "cancel", [&state, message = keep(call)] {
    const auto cancelled = state.desk.cancel();
    if (cancelled)
      sd_bus_reply_method_return(message.get(), "");
    else
      bus::refuse(message.get(), cancelled.error());
  });
  return 1;
}

// Before sd-bus answers from what is known: Get and GetAll wait for a look that is not old. 0: it
// is not for us.
int Service::State::on_object(sd_bus_message* call, void* data, sd_bus_error*) {
  auto& state = *static_cast<State*>(data);
  state.rest();
  const bool all = sd_bus_message_is_method_call(call, properties_interface, "GetAll") > 0;
  const bool one = sd_bus_message_is_method_call(call, properties_interface, "Get") > 0;
  if (!all && !one) return 0;
  const char* of = nullptr;
  const char* property = "";
  if (sd_bus_message_read(call, "s", &of) <= 0 || std::string(of) != bus::interface_name ||
      (one && sd_bus_message_read(call, "s", &property) <= 0) ||
      (one && bus::signature_of(property) == nullptr)) {
    sd_bus_message_rewind(call, 1);
    return 0;
  }
  state.hold(call, property, all);
  return 1;
}

void Service::State::hold(sd_bus_message* call, const std::string& property, bool all) {
  if (view.fresh()) return show(call, property, all);
  if (held >= max_held) {
    bus::refuse(call, {Errc::busy, "too many callers ask at the same time; try again later"});
    return;
  }
  ++held;
  view.when_fresh([this, property, all, message = keep(call)] {
    --held;
    show(message.get(), property, all);
    rest();
  });
}

void Service::State::show(sd_bus_message* call, const std::string& property, bool all) const {
  const auto reply = reply_to(call);
  if (!reply) return;
  int r = 0;
  if (all) {
    r = bus::append_all(reply.get(), shown());
  } else {
    r = sd_bus_message_open_container(reply.get(), 'v', bus::signature_of(property));
    if (r >= 0) r = bus::append_value(reply.get(), property, shown());
    if (r >= 0) r = sd_bus_message_close_container(reply.get());
  }
  if (r < 0)
    bus::refuse(call, bus::bus_error("answer", r));
  else
    sd_bus_send(nullptr, reply.get(), nullptr);
}

int Service::State::on_property(sd_bus*, const char*, const char*, const char* property,
                                sd_bus_message* reply, void* data, sd_bus_error*) {
  return bus::append_value(reply, property, static_cast<State*>(data)->shown());
}

void Service::State::facts_changed(const Facts& before) {
  auto names = bus::changed(before, view.facts());
  if (names.size() > 1)
    sd_bus_emit_properties_changed_strv(bus, bus::object_path, bus::interface_name,
                                        const_cast<char**>(names.data()));
  tell_rollback();
}

void Service::State::tell_rollback() {
  const auto& last = view.facts().last_outcome;
  if (!last || last->outcome != "rolled-back" || last->attempt <= told_rollback(root)) return;
  std::string reason = last->release + ": " + last->cause;
  if (!last->detail.empty()) reason += ": " + last->detail;
  sd_bus_emit_signal(bus, bus::object_path, bus::interface_name, "RolledBack", "s", reason.c_str());
  if (auto noted = note_told_rollback(root, last->attempt); !noted)
    log(Level::warning, "that a rollback was told is not noted: " + noted.error().what);
}

void Service::State::tell_progress() {
  if (progress_waits && !mutated("progress-not-limited")) return;
  const auto tell = [this] {
    progress_waits = false;
    sd_bus_emit_properties_changed(bus, bus::object_path, bus::interface_name, "Progress", "Amount", nullptr);
  };
  auto watch = loop.after(between_signals, tell);
  progress_waits = static_cast<bool>(watch);
  if (mutated("progress-not-limited")) return tell();
  if (watch) next_signal = std::move(*watch);
}

void Service::State::job_ended(const JobEnd& end) {
  next_signal = {};
  progress_waits = false;
  view.outdate();
  const std::string message = one_line(end.message);
  const std::string method(to_string(end.method));
  // Who hears that it is done finds the machine as it is then.
  ++held;
  view.when_fresh([this, message, method, number = end.number, code = end.code] {
    --held;
    sd_bus_emit_signal(bus, bus::object_path, bus::interface_name, "Completed", "usis", number,
                       method.c_str(), code, message.c_str());
    rest();
  });
}

// Begins to wait for the end, or goes on with it.
void Service::State::rest() {
  idle = {};
  if (leaving || bus_gone) {
    if (name_given_back ? at_rest() : bus_gone && !desk.busy()) loop.stop();
    return;
  }
  if (!at_rest()) return;
  auto watch = loop.after(config.idle, [this] { leave(); });
  if (watch) idle = std::move(*watch);
}

// systemd hears of it first, so that it starts another service for whoever calls from now on,
// instead of taking this one for running. Who called before is still answered.
void Service::State::leave() {
  if (!at_rest()) return;
  leaving = true;
  ::sd_notify(0, "STOPPING=1");
  if (sd_bus_release_name_async(bus, nullptr, bus::own_name, &on_name_released, this) < 0) loop.stop();
}

int Service::State::on_name_released(sd_bus_message*, void* data, sd_bus_error*) {
  auto& state = *static_cast<State*>(data);
  state.name_given_back = true;
  state.rest();
  return 0;
}

// What is under way needs no bus, and goes on.
int Service::State::on_gone(sd_bus_message*, void* data, sd_bus_error*) {
  auto& state = *static_cast<State*>(data);
  log(Level::warning, "the bus is gone");
  state.bus_gone = true;
  state.rest();
  return 0;
}

Status Service::State::connect() {
  static const sd_bus_vtable vtable[] = {SD_BUS_VTABLE_START(0),
#define CUBE_METHOD(member, in, out, handler) \
  SD_BUS_METHOD(member, in, out, handler, SD_BUS_VTABLE_UNPRIVILEGED)
                                         CUBE_METHOD("Check", "a{sv}", "a{sv}", &State::on_call),
                                         CUBE_METHOD("Fetch", "sa{sv}", "u", &State::on_call),
                                         CUBE_METHOD("Apply", "sa{sv}", "u", &State::on_call),
                                         CUBE_METHOD("Cancel", "", "", &State::on_cancel),
                                         CUBE_METHOD("Commit", "a{sv}", "u", &State::on_call),
                                         CUBE_METHOD("Rollback", "a{sv}", "u", &State::on_call),
                                         CUBE_METHOD("Deny", "ssa{sv}", "", &State::on_call),
                                         CUBE_METHOD("Allow", "sa{sv}", "", &State::on_call),
                                         CUBE_METHOD("Diagnose", "ta{sv}", "s", &State::on_call),
#undef CUBE_METHOD
                                         SD_BUS_SIGNAL("Completed", "usis", 0),
                                         SD_BUS_SIGNAL("RolledBack", "s", 0),
#define CUBE_PROPERTY(name, signature) \
  SD_BUS_PROPERTY(name, signature, &State::on_property, 0, SD_BUS_VTABLE_PROPERTY_EMITS_CHANGE)
                                         CUBE_PROPERTY("Phase", "s"),
                                         CUBE_PROPERTY("Update", "s"),
                                         CUBE_PROPERTY("Waits", "s"),
                                         CUBE_PROPERTY("Slots", "a{sa{sv}}"),
                                         CUBE_PROPERTY("Booted", "s"),
                                         CUBE_PROPERTY("Fallback", "s"),
                                         CUBE_PROPERTY("Trial", "a{sv}"),
                                         CUBE_PROPERTY("BootRecords", "s"),
                                         CUBE_PROPERTY("LastOutcome", "a{sv}"),
                                         CUBE_PROPERTY("Problem", "s"),
                                         CUBE_PROPERTY("Progress", "(isi)"),
                                         CUBE_PROPERTY("Amount", "(tts)"),
#undef CUBE_PROPERTY
                                         SD_BUS_VTABLE_END};
  int r = sd_bus_open_system_with_description(&bus, "cube-updated");
  if (r < 0) return bus::bus_error("connect to the system bus", r);
  authority = std::make_unique<Authority>(bus, [this] { rest(); });
  r = sd_bus_add_object(bus, nullptr, bus::object_path, &on_object, this);
  if (r >= 0) r = sd_bus_add_object_vtable(bus, nullptr, bus::object_path, bus::interface_name, vtable, this);
  if (r >= 0)
    r = sd_bus_match_signal(bus, nullptr, nullptr, "/org/freedesktop/DBus/Local",
                            "org.freedesktop.DBus.Local", "Disconnected", &on_gone, this);
  if (r >= 0) r = sd_bus_attach_event(bus, loop.native(), SD_EVENT_PRIORITY_NORMAL);
  if (r < 0) return bus::bus_error("set the object up", r);
  if (r = sd_bus_request_name(bus, bus::own_name, 0); r < 0)
    return bus::bus_error("take the name co.bigstack.CubeUpdate1", r);
  return ok();
}

Service::Service(std::unique_ptr<State> state) : state_(std::move(state)) {}
Service::~Service() {
  state_->desk.give_up();
}

Result<std::unique_ptr<Service>> Service::start(Loop& loop, ServiceConfig config) {
  CUBE_TRY(auto root, RootDir::open(config.desk.root));
  auto state = std::make_unique<State>(loop, std::move(config), std::move(root));
  CUBE_CHECK(state->connect());
  ::sd_notify(0, "READY=1");
  state->desk.take_up();
  // Tells of a rollback that nobody heard of yet.
  ++state->held;
  state->view.when_fresh([&held = state->held, state = state.get()] {
    --held;
    state->rest();
  });
  return std::unique_ptr<Service>(new Service(std::move(state)));
}

}  // namespace cube
