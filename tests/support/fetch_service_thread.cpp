#include "tests/support/fetch_service_thread.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <vector>

#include "base/http/fetch_service.h"

namespace cube {

FetchServiceThread::FetchServiceThread() : path_(folder_.path() + "/fetch") {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::copy(path_.begin(), path_.end(), address.sun_path);
  listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(listener_.get(), 16) != 0)
    std::abort();
  thread_ = std::thread([this] {
    std::vector<std::thread> served;
    for (;;) {
      const int connection = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) break;
      served.emplace_back([connection] {
        const Fd socket(connection);
        (void)serve_fetches(socket);
      });
    }
    for (auto& one : served) one.join();
  });
}

FetchServiceThread::~FetchServiceThread() {
  ::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

}  // namespace cube
