#include "tests/support/fetch_service_thread.h"

namespace cube {

std::string test_socket() {
#ifdef CUBE_THROUGH_SERVICE
  static const FetchServiceThread service;
  return service.socket();
#else
  return "";
#endif
}

}  // namespace cube
