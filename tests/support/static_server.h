// StaticServer: serves a folder over HTTP on 127.0.0.1, with a fault where a test asks for one.
#pragma once

#include <atomic>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "tests/support/loopback.h"

namespace cube {

enum class Fault {
  none,
  not_found,
  server_error,
  server_error_once,  // the second request is answered well
  too_many_requests,
  come_back_in_1_s_once,  // 503 with Retry-After, the second request is answered well
  come_back_tomorrow,     // the same, with a day
  truncate,               // half of the announced body, then close
  endless,                // no announced length, body without end
  endless_not_found,      // 404, and a page without end
  endless_head,           // headers without end
  drip,                   // one byte every 20 ms, without end
  silence,                // takes the request and says nothing
  hang_up,                // closes without an answer
  redirect_to_file,       // to file:///etc/hostname
  redirect_to_itself,
};

class StaticServer {
 public:
  explicit StaticServer(std::string folder);
  ~StaticServer();
  StaticServer(const StaticServer&) = delete;
  StaticServer& operator=(const StaticServer&) = delete;

  [[nodiscard]] std::string url() const {
    return "http://127.0.0.1:" + std::to_string(port_.number);
  }
  // For every path that ends so.
  void set_fault(const std::string& path_end, Fault fault);
  void clear_faults();
  [[nodiscard]] int requests() const { return requests_; }

 private:
  void serve();
  void answer(const Fd& peer);
  Fault fault_for(const std::string& path);

  std::string folder_;
  LoopbackPort port_;
  std::atomic<bool> stop_{false};
  std::atomic<int> requests_{0};
  std::mutex mutex_;
  std::map<std::string, Fault> faults_;
  std::thread thread_;
};

}  // namespace cube
