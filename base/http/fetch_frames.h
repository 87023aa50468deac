// What is spoken between whoever wants something from a web server and the service that alone has
// the network (cube-fetch), over one connection of a Unix socket.
//
//   client:  S settings            once, at first
//            R request             then one at a time; it may bring a document to send
//   service: H head line | B body  any number, in order
//            E end                 then the next R may come
//
// A frame is its letter, the length of what follows as four bytes with the lowest first, and that
// many bytes. Integers are little-endian, texts have their length in four bytes before them.
// Neither side believes the other: every length has a limit, what is left over or missing is an
// error, and after one the connection is closed. A client that has heard enough closes it, too.
// Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/http/transport.h"
#include "base/result.h"

namespace cube {

enum class FrameKind : char { settings = 'S', request = 'R', head = 'H', body = 'B', end = 'E' };

// Bytes of a frame's content. Settings carry certificates: a system's whole list has 0.25 MiB.
inline constexpr std::size_t max_settings_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_frame_bytes = 64 * 1024;
// A request may bring a document.
inline constexpr std::size_t max_request_bytes = max_posted_bytes + max_frame_bytes;

struct Frame {
  FrameKind kind{};
  std::string content;
};

// `content` is within the limit of its kind.
[[nodiscard]] std::string encode_frame(FrameKind kind, std::string_view content);

// Cuts what arrives into frames.
class FrameCutter {
 public:
  void add(std::string_view bytes) { bytes_.append(bytes); }
  // The next whole frame; nullopt: more bytes are needed. Errors: corrupt (no such kind, too long).
  Result<std::optional<Frame>> next();
  // Nothing of a frame is left over.
  [[nodiscard]] bool empty() const { return bytes_.size() == at_; }

 private:
  std::string bytes_;
  std::size_t at_ = 0;
};

// How requests of a connection are made. Certificates and keys as the content of PEM files, which
// the service cannot read; "": none, and the system's certificates.
struct FetchSettings {
  bool allow_http = false;
  std::uint64_t max_bytes_per_second = 0;
  std::chrono::milliseconds connect_timeout{0};
  std::string proxy;
  std::string certificates;
  std::string client_certificate;
  std::string client_key;
};

[[nodiscard]] std::string encode_settings(const FetchSettings& settings);
[[nodiscard]] std::string encode_request(const TransferRequest& request);
[[nodiscard]] std::string encode_end(const Transfer& transfer);
// Errors: corrupt (too short, too long, a text beyond its limit, a number without meaning, a
// document beyond check_document). Texts are printable ASCII, but for certificates, keys and
// documents.
[[nodiscard]] Result<FetchSettings> decode_settings(std::string_view content);
[[nodiscard]] Result<TransferRequest> decode_request(std::string_view content);
[[nodiscard]] Result<Transfer> decode_end(std::string_view content);

}  // namespace cube
