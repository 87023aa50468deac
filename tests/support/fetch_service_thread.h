// The fetch service of this process, as cube-fetch and its socket are on an appliance: for tests of
// requests that go through it.
#pragma once

#include <string>
#include <thread>

#include "base/fd.h"
#include "tests/support/scratch_dir.h"

namespace cube {

class FetchServiceThread {
 public:
  FetchServiceThread();
  ~FetchServiceThread();
  FetchServiceThread(const FetchServiceThread&) = delete;
  FetchServiceThread& operator=(const FetchServiceThread&) = delete;
  [[nodiscard]] const std::string& socket() const { return path_; }

 private:
  ScratchDir folder_;
  std::string path_;
  Fd listener_;
  std::thread thread_;
};

// What HttpConfig::through is to be in this test program: "", or, when it was built with
// CUBE_THROUGH_SERVICE, the socket of a service.
[[nodiscard]] std::string test_socket();

}  // namespace cube
