#include "tests/support/static_server.h"

#include <poll.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace cube {
namespace {

bool readable(const Fd& fd, int milliseconds) {
  pollfd waiting{fd.get(), POLLIN, 0};
  return ::poll(&waiting, 1, milliseconds) == 1;
}

// The path of "GET /path HTTP/1.1"; "" when there is none.
std::string read_path(const Fd& peer) {
  std::string request;
  std::array<char, 4096> buffer{};
  while (request.find("\r\n\r\n") == std::string::npos) {
    if (!readable(peer, 2000)) return "";
    const auto count = ::recv(peer.get(), buffer.data(), buffer.size(), 0);
    if (count <= 0) return "";
    request.append(buffer.data(), static_cast<std::size_t>(count));
  }
  std::istringstream line(request);
  std::string method;
  std::string path;
  line >> method >> path;
  return path;
}

std::string head(const std::string& status, std::size_t length) {
  return "HTTP/1.1 " + status +
         "\r\nConnection: close\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

std::string busy(const std::string& seconds) {
  return "HTTP/1.1 503 Busy\r\nConnection: close\r\nContent-Length: 0\r\nRetry-After: " + seconds +
         "\r\n\r\n";
}

std::string redirect(const std::string& to) {
  return "HTTP/1.1 302 Found\r\nConnection: close\r\nContent-Length: 0\r\nLocation: " + to +
         "\r\n\r\n";
}

}  // namespace

StaticServer::StaticServer(std::string folder)
    : folder_(std::move(folder)), port_(listen_on_loopback()) {
  thread_ = std::thread([this] { serve(); });
}

StaticServer::~StaticServer() {
  stop_ = true;
  thread_.join();
}

void StaticServer::set_fault(const std::string& path_end, Fault fault) {
  const std::lock_guard lock(mutex_);
  faults_[path_end] = fault;
}

void StaticServer::clear_faults() {
  const std::lock_guard lock(mutex_);
  faults_.clear();
}

Fault StaticServer::fault_for(const std::string& path) {
  const std::lock_guard lock(mutex_);
  for (auto& [end, fault] : faults_) {
    if (path.size() < end.size() || path.substr(path.size() - end.size()) != end) continue;
    const Fault found = fault;
    if (found == Fault::server_error_once || found == Fault::come_back_in_1_s_once)
      fault = Fault::none;
    return found;
  }
  return Fault::none;
}

void StaticServer::serve() {
  while (!stop_) {
    if (!readable(port_.listener, 20)) continue;
    const Fd peer(::accept4(port_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (peer.valid()) answer(peer);
  }
}

void StaticServer::answer(const Fd& peer) {
  const std::string path = read_path(peer);
  if (path.empty()) return;
  ++requests_;
  const std::string file = folder_ + path;
  std::ostringstream body;
  body << std::ifstream(file, std::ios::binary).rdbuf();
  const std::string text = body.str();
  const std::string ok_head = head("200 OK", text.size());
  const std::string open_head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";
  switch (fault_for(path)) {
    case Fault::none:
      if (std::filesystem::is_regular_file(file)) {
        send_all(peer, ok_head + text);
        return;
      }
      [[fallthrough]];
    case Fault::not_found:
      send_all(peer, head("404 Not Found", 4) + "none");
      return;
    case Fault::server_error:
    case Fault::server_error_once:
      send_all(peer, head("500 Broken", 6) + "broken");
      return;
    case Fault::too_many_requests:
      send_all(peer, head("429 Too Many Requests", 4) + "wait");
      return;
    case Fault::come_back_in_1_s_once:
      send_all(peer, busy("1"));
      return;
    case Fault::come_back_tomorrow:
      send_all(peer, busy("86400"));
      return;
    case Fault::truncate:
      send_all(peer, ok_head + text.substr(0, text.size() / 2));
      return;
    case Fault::endless_not_found:
      if (!send_all(peer, "HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n")) return;
      while (!stop_ && send_all(peer, std::string(4096, ' '))) continue;
      return;
    case Fault::endless:
      if (!send_all(peer, open_head)) return;
      while (!stop_ && send_all(peer, std::string(4096, ' '))) continue;
      return;
    case Fault::endless_head:
      if (!send_all(peer, "HTTP/1.1 200 OK\r\n")) return;
      while (!stop_ && send_all(peer, "X-More: " + std::string(4000, 'x') + "\r\n")) continue;
      return;
    case Fault::drip:
      if (!send_all(peer, open_head)) return;
      while (!stop_ && send_all(peer, " "))
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
      return;
    case Fault::silence:
      while (!stop_ && !readable(peer, 20)) continue;
      return;
    case Fault::hang_up:
      return;
    case Fault::redirect_to_file:
      send_all(peer, redirect("file:///etc/hostname"));
      return;
    case Fault::redirect_to_itself:
      send_all(peer, redirect(path));
      return;
  }
}

}  // namespace cube
