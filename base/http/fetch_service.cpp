#include "base/http/fetch_service.h"

#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>

#include "base/http/curl_transport.h"
#include "base/http/fetch_frames.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube {
namespace {

// A file without a name, for libcurl, which takes older certificates only from one.
class MemoryFile {
 public:
  // Errors: failed.
  static Result<MemoryFile> make(const std::string& content) {
    MemoryFile file;
    if (content.empty()) return file;
    file.fd_ = Fd(::memfd_create("pem", MFD_CLOEXEC));
    if (!file.fd_.valid()) return system_error("memfd");
    CUBE_CHECK(write_all(file.fd_, content));
    return file;
  }
  // "" for one without content.
  [[nodiscard]] std::string path() const {
    return fd_.valid() ? "/proc/self/fd/" + std::to_string(fd_.get()) : "";
  }

 private:
  Fd fd_;
};

class Client {
 public:
  explicit Client(const Fd& socket) : socket_(socket) {}

  // False: it is gone.
  bool send(FrameKind kind, std::string_view content) {
    const std::string frame = encode_frame(kind, content);
    for (std::string_view left = frame; !left.empty();) {
      const auto sent = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent <= 0) return false;
      left.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // nullopt: it closed the connection, between two frames. Errors: corrupt, failed.
  Result<std::optional<Frame>> receive() {
    for (;;) {
      CUBE_TRY(auto frame, cutter_.next());
      if (frame) return frame;
      std::array<char, 16 * 1024> buffer;
      const auto got = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) return system_error("receive");
      if (got == 0 && !cutter_.empty())
        return Error{Errc::corrupt, "the client ended inside a frame"};
      if (got == 0) return std::optional<Frame>();
      cutter_.add({buffer.data(), static_cast<std::size_t>(got)});
    }
  }
  // While a request runs the client says nothing, and what it says breaks the protocol.
  [[nodiscard]] bool gone() const {
    pollfd state{socket_.get(), POLLIN | POLLRDHUP, 0};
    return ::poll(&state, 1, 0) > 0;
  }

 private:
  const Fd& socket_;
  FrameCutter cutter_;
};

// Gives an answer on as it comes.
class Forwarder final : public Receiver {
 public:
  explicit Forwarder(Client& client) : client_(client) {}
  bool take_head(std::string_view line) override {
    return line.size() <= max_frame_bytes && client_.send(FrameKind::head, line);
  }
  bool take_body(std::string_view bytes) override {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), max_frame_bytes)))
      if (!client_.send(FrameKind::body, bytes.substr(0, max_frame_bytes))) return false;
    return true;
  }

 private:
  Client& client_;
};

Status check_request(const TransferRequest& request, bool allow_http) {
  CUBE_CHECK(check_url(request.url, allow_http));
  if (request.url.starts_with("file:") && !mutated("fetch-service-reads-files"))
    return Error{Errc::invalid, "files are not for the fetch service to read"};
  return request.posted ? check_document(*request.posted) : ok();
}

Transfer make(Transport& transport, const TransferRequest& request, bool allow_http,
              Client& client) {
  Forwarder forwarder(client);
  const auto allowed = check_request(request, allow_http);
  auto transfer =
      allowed ? transport.perform(request, forwarder) : Result<Transfer>(allowed.error());
  if (transfer) return std::move(*transfer);
  return {Transfer::End::failed, transfer.error().code, transfer.error().what,
          std::chrono::seconds{0}, false};
}

Result<Frame> first_frame(Client& client) {
  CUBE_TRY(auto frame, client.receive());
  if (frame && frame->kind == FrameKind::settings) return std::move(*frame);
  return Error{Errc::corrupt, "the client does not begin with its settings"};
}

}  // namespace

Status serve_fetches(const Fd& socket) {
  Client client(socket);
  CUBE_TRY(const auto first, first_frame(client));
  CUBE_TRY(const auto settings, decode_settings(first.content));
  CUBE_TRY(const auto certificates, MemoryFile::make(settings.certificates));
  CUBE_TRY(const auto client_certificate, MemoryFile::make(settings.client_certificate));
  CUBE_TRY(const auto client_key, MemoryFile::make(settings.client_key));
  HttpConfig config;
  config.allow_http = settings.allow_http;
  config.max_bytes_per_second = settings.max_bytes_per_second;
  config.connect_timeout =
      std::chrono::duration_cast<std::chrono::seconds>(settings.connect_timeout);
  config.proxy = settings.proxy;
  config.ca_file = certificates.path();
  config.client_certificate = client_certificate.path();
  config.client_key = client_key.path();
  config.cancelled = [&client] { return client.gone(); };
  CurlTransport transport(config);
  for (;;) {
    CUBE_TRY(const auto frame, client.receive());
    if (!frame) return ok();
    if (frame->kind != FrameKind::request)
      return Error{Errc::corrupt, "the client sends something else than a request"};
    CUBE_TRY(const auto request, decode_request(frame->content));
    const auto transfer = make(transport, request, config.allow_http, client);
    if (!client.send(FrameKind::end, encode_end(transfer))) return ok();
  }
}

}  // namespace cube
