// ScriptedServer: answers the connections to a port of 127.0.0.1 one after the other with the bytes
// that a test wrote down, each closed after its answer. What was asked is kept.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/loopback.h"

namespace cube {

class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<std::string> answers);
  ~ScriptedServer();
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_.number);
  }
  // Request lines, fields and bodies, as they came.
  [[nodiscard]] std::vector<std::string> requests() const;

 private:
  void serve();

  std::vector<std::string> answers_;
  LoopbackPort port_;
  Fd stop_read_, stop_write_;
  mutable std::mutex mutex_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

}  // namespace cube
