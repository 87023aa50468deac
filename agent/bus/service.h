// Service: the object co.bigstack.CubeUpdate1 on the system bus
// (packaging/dbus/co.bigstack.CubeUpdate1.xml). Takes requests, asks who may, has the work done by
// runs of cube-update, and tells what comes of it. Leaves by itself when nothing is to be done; the
// bus starts it again. What it knows that matters is in files: it may be killed at any instant.
#pragma once

#include <chrono>
#include <memory>

#include "agent/bus/job_desk.h"
#include "base/loop.h"
#include "base/result.h"

namespace cube {

struct ServiceConfig {
  DeskConfig desk;
  std::chrono::seconds idle{30};  // without a request until it leaves
};

class Service {
 public:
  // Connects to the system bus, takes the name and begins. `loop` outlives it.
  // Errors: failed (no bus, or the name is not to be had), not_found (root).
  static Result<std::unique_ptr<Service>> start(Loop& loop, ServiceConfig config);
  ~Service();

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube
