#include "tests/support/scripted_server.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <stdexcept>

namespace cube {
namespace {

// The head, and as much of a body as it announces.
bool whole(const std::string& request) {
  const auto head = request.find("\r\n\r\n");
  if (head == std::string::npos) return false;
  const std::string field = "\r\nContent-Length: ";
  const auto length = request.find(field);
  if (length == std::string::npos || length > head) return true;
  return request.size() >= head + 4 + std::stoul(request.substr(length + field.size()));
}

std::string read_request(const Fd& peer) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (!whole(request)) {
    const auto count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) break;
    request.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return request;
}

}  // namespace

ScriptedServer::ScriptedServer(std::vector<std::string> answers)
    : answers_(std::move(answers)), port_(listen_on_loopback()) {
  std::array<int, 2> stop{};
  if (::pipe2(stop.data(), O_CLOEXEC) != 0) throw std::runtime_error("cannot make a pipe");
  stop_read_ = Fd(stop[0]);
  stop_write_ = Fd(stop[1]);
  thread_ = std::thread([this] { serve(); });
}

ScriptedServer::~ScriptedServer() {
  stop_write_.reset();  // the end of the pipe's other end wakes the thread
  thread_.join();
}

void ScriptedServer::serve() {
  for (std::size_t next = 0;;) {
    std::array<pollfd, 2> waiting{{{port_.listener.get(), POLLIN, 0}, {stop_read_.get(), 0, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 || waiting[1].revents != 0) return;
    const Fd peer(::accept4(port_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) continue;
    auto request = read_request(peer);
    {
      const std::lock_guard lock(mutex_);
      requests_.push_back(std::move(request));
    }
    if (next < answers_.size()) send_all(peer, answers_[next++]);
  }
}

std::vector<std::string> ScriptedServer::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

}  // namespace cube
