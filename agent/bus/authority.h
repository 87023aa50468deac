// Authority: may whoever sent this call have it done? Root may. Everybody else is asked about at
// polkit, by the name of the connection and not by process, whose number may have a new owner by
// then. Without polkit, or without an answer of it in time, nobody else may.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <utility>

#include "agent/bus/bus.h"

namespace cube {

class Authority {
 public:
  // `bus` outlives it. `settled` is called after each question, however it was answered.
  Authority(sd_bus* bus, std::function<void()> settled);
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority();

  // At most so many calls of others than root wait for polkit at a time; more are refused.
  static constexpr std::size_t max_asked = 64;

  // `allowed` is called, now or later, when the sender may do that; otherwise the call is answered
  // with AccessDenied, or with Busy. A caller that allows it may be asked for a password meanwhile.
  void ask(sd_bus_message* call, const std::string& action, std::function<void()> allowed);
  // Calls that wait for an answer.
  [[nodiscard]] std::size_t waiting() const { return questions_.size(); }

 private:
  struct Question;
  void ask_polkit(Question& question);
  void answer(Question& question, const char* refusal);

  sd_bus* bus_;
  std::function<void()> settled_;
  std::list<std::unique_ptr<Question>> questions_;
  std::size_t asked_ = 0;
};

}  // namespace cube
