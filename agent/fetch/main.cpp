// cube-fetch: the one process of the service that has the network, and nothing else. Started for
// one connection, which is its standard input (cube-fetch@.service).
#include <sys/socket.h>

#include <csignal>
#include <cstdio>
#include <string_view>

#include "base/http/fetch_service.h"
#include "base/log.h"

namespace {

constexpr const char* usage =
    "Usage: cube-fetch < SOCKET\n"
    "Makes web requests for cube-updated; see cube-updated(8). systemd starts it for each\n"
    "connection to /run/cube-update/fetch, with that as its standard input.\n";

constexpr int exit_usage = 2;

bool is_stream_of_this_machine(int fd) {
  int domain = 0;
  int type = 0;
  socklen_t size = sizeof domain;
  if (::getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) != 0) return false;
  size = sizeof type;
  if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0) return false;
  return domain == AF_UNIX && type == SOCK_STREAM;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view word = argc == 2 ? argv[1] : "";
  if (word == "--help" || word == "--version") {
    std::fputs(word == "--help" ? usage : CUBE_VERSION "\n", stdout);
    return 0;
  }
  if (argc != 1 || !is_stream_of_this_machine(STDIN_FILENO)) {
    std::fputs(usage, stderr);
    return exit_usage;
  }
  std::signal(SIGPIPE, SIG_IGN);
  const cube::Fd socket(::dup(STDIN_FILENO));
  const auto status = cube::serve_fetches(socket);
  if (!status) cube::log(cube::Level::error, status.error().what);
  return status ? 0 : 1;
}
