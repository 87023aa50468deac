// FleetLock: the client of a lock for restarts that others serve (airlock and the like), for those
// who have one: two questions, both of which may be asked again. It knows neither failures nor
// domains nor a halt, and its group is all that it is told.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "base/http/http_client.h"
#include "base/result.h"

namespace cube::fleet {

struct FleetLockConfig {
  std::string url;    // "https://lock.example"; the questions are below it
  std::string group;  // of letters, digits, '.' and '-'; 1 to 128
  std::string id;     // of this machine; printable ASCII, 1 to 128
  HttpConfig http;    // whose `tries` and `deadline` are those of one question
  // Waits before the next try; false: cancelled. By default it sleeps, and asks http.cancelled.
  std::function<bool(std::chrono::milliseconds)> wait = {};
};

class FleetLock {
 public:
  // Asks nobody. Errors: invalid.
  static Result<FleetLock> open(FleetLockConfig config);
  FleetLock(FleetLock&&) noexcept;
  FleetLock& operator=(FleetLock&&) noexcept;
  ~FleetLock();

  // Takes a slot, or finds that this machine has one. ok: it may restart. Errors: busy (the lock
  // says no, and why; some locks say so to a conflict, too, so it was asked several times),
  // unreachable, untrusted, invalid (the lock does not take the question), corrupt, cancelled.
  // After every error but `invalid` it may have taken one: steady_state() gives it back.
  Status pre_reboot();
  // Gives the slot back, if this machine has one. Errors: as pre_reboot().
  Status steady_state();

 private:
  struct State;
  explicit FleetLock(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube::fleet
