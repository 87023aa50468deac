#include <gtest/gtest.h>

#include <memory>

#include "tests/support/fetch_service_thread.h"

namespace cube {

#ifdef CUBE_THROUGH_SERVICE
namespace {

std::unique_ptr<FetchServiceThread> service;

// Its threads end before the program does: OpenSSL forgets what belongs to a thread that outlives
// it.
class Service final : public testing::Environment {
 public:
  void SetUp() override { service = std::make_unique<FetchServiceThread>(); }
  void TearDown() override { service.reset(); }
};
[[maybe_unused]] const auto* const registered = testing::AddGlobalTestEnvironment(new Service);

}  // namespace

std::string test_socket() {
  return service->socket();
}
#else
std::string test_socket() {
  return "";
}
#endif

}  // namespace cube
