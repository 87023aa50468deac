#include "base/http/proxied_transport.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>

#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr std::size_t max_pem_bytes = 1024 * 1024;
// The service ends a request in time; this is for one that does not.
constexpr seconds grace{5};
constexpr milliseconds ask_every{200};  // whether it is cancelled

Result<std::string> pem(const std::string& path) {
  if (path.empty()) return std::string();
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return Error{Errc::invalid, system_error("open " + path).what};
  auto content = read_all(file, max_pem_bytes);
  if (!content) return Error{Errc::invalid, path + ": " + content.error().what};
  return content;
}

Error gone(const std::string& why) {
  return {Errc::unreachable, "the fetch service (cube-fetch): " + why};
}

}  // namespace

Status ProxiedTransport::connect() {
  FetchSettings settings;
  settings.allow_http = config_.allow_http;
  settings.max_bytes_per_second = config_.max_bytes_per_second;
  settings.connect_timeout = config_.connect_timeout;
  settings.proxy = config_.proxy;
  CUBE_TRY(settings.certificates, pem(config_.ca_file));
  CUBE_TRY(settings.client_certificate, pem(config_.client_certificate));
  CUBE_TRY(settings.client_key, pem(config_.client_key));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (config_.through.size() >= sizeof address.sun_path)
    return Error{Errc::invalid, config_.through + ": too long for the path of a socket"};
  std::copy(config_.through.begin(), config_.through.end(), address.sun_path);
  Fd socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return system_error("socket");
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return gone("connect to " + config_.through + ": " + std::strerror(errno));
  // The service reads before it does anything else.
  const timeval limit{30, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  socket_ = std::move(socket);
  cutter_ = FrameCutter();
  return send(FrameKind::settings, encode_settings(settings));
}

Status ProxiedTransport::send(FrameKind kind, const std::string& content) {
  const std::string frame = encode_frame(kind, content);
  for (std::string_view left = frame; !left.empty();) {
    const auto sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent <= 0) return gone(std::string("send: ") + std::strerror(errno));
    left.remove_prefix(static_cast<std::size_t>(sent));
  }
  return ok();
}

Result<Frame> ProxiedTransport::receive(Time end) {
  for (;;) {
    CUBE_TRY(auto frame, cutter_.next());
    if (frame) return std::move(*frame);
    if (config_.cancelled && config_.cancelled())
      return Error{Errc::cancelled, "stopped on request"};
    const auto left = duration_cast<milliseconds>(end - steady_clock::now());
    if (left.count() <= 0) return gone("no answer in time");
    pollfd ready{socket_.get(), POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(std::min(left, ask_every).count())) <= 0) continue;
    std::array<char, 64 * 1024> buffer;
    const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return gone("it ended before its answer did");
    cutter_.add({buffer.data(), static_cast<std::size_t>(got)});
  }
}

Result<Transfer> ProxiedTransport::exchange(const TransferRequest& request, Receiver& receiver) {
  CUBE_CHECK(send(FrameKind::request, encode_request(request)));
  asked_ = true;
  const auto end = steady_clock::now() + request.remaining + grace;
  for (;;) {
    CUBE_TRY(const auto frame, receive(end));
    if (frame.kind == FrameKind::end) {
      CUBE_TRY(auto transfer, decode_end(frame.content));
      // Only this side knows whether somebody asked.
      if (transfer.code == Errc::cancelled && !mutated("fetch-service-may-cancel"))
        transfer.code = Errc::unreachable;
      return transfer;
    }
    if (frame.kind != FrameKind::head && frame.kind != FrameKind::body)
      return Error{Errc::corrupt, "the fetch service's socket: a frame out of turn"};
    const bool goes_on = frame.kind == FrameKind::head ? receiver.take_head(frame.content)
                                                       : receiver.take_body(frame.content);
    if (goes_on) continue;
    socket_.reset();  // tells the service that this was enough
    return Transfer{Transfer::End::stopped, Errc::unreachable, "", seconds{0}};
  }
}

Result<Transfer> ProxiedTransport::perform(const TransferRequest& request, Receiver& receiver) {
  // Between two requests the service has nothing to say: it has gone, or makes no sense.
  pollfd state{socket_.get(), POLLIN | POLLRDHUP, 0};
  if (socket_.valid() && ::poll(&state, 1, 0) != 0) socket_.reset();
  asked_ = false;
  Status there = ok();
  if (!socket_.valid()) there = connect();
  auto transfer = there ? exchange(request, receiver) : Result<Transfer>(there.error());
  if (transfer) return transfer;
  socket_.reset();
  Error& error = transfer.error();
  const bool nonsense = error.code == Errc::corrupt;
  if (!nonsense && error.code != Errc::unreachable && error.code != Errc::cancelled)
    return transfer;
  return Transfer{Transfer::End::failed, nonsense ? Errc::unreachable : error.code, error.what,
                  seconds{0}, asked_};
}

}  // namespace cube
