#include "base/http/fetch_frames.h"

#include <algorithm>
#include <array>

namespace cube {
namespace {

constexpr std::size_t header_bytes = 5;
constexpr std::size_t max_url = 8192, max_range = 64, max_entity = 256, max_text = 256;
constexpr std::size_t max_pem = 1024 * 1024;
constexpr std::chrono::milliseconds longest_request = std::chrono::hours(7 * 24);
constexpr std::chrono::seconds longest_wait = std::chrono::hours(24);

template <typename Number>
void put_number(std::string& out, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i)
    out += static_cast<char>(static_cast<unsigned char>(value >> (8 * i)));
}

void put_text(std::string& out, std::string_view text) {
  put_number(out, static_cast<std::uint32_t>(text.size()));
  out += text;
}

template <typename Number>
Number number_in(std::string_view bytes) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i)
    value = static_cast<Number>(value | Number{static_cast<unsigned char>(bytes[i])} << (8 * i));
  return value;
}

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

// Takes values off the front. After the first that is not there everything is empty, and end()
// says so.
class Content {
 public:
  explicit Content(std::string_view bytes) : left_(bytes) {}

  template <typename Number>
  Number number(std::uint64_t highest) {
    if (left_.size() < sizeof(Number)) return fail<Number>();
    const auto value = number_in<Number>(left_);
    left_.remove_prefix(sizeof(Number));
    return value <= highest ? value : fail<Number>();
  }
  std::string bytes(std::size_t longest) {
    const auto size = number<std::uint32_t>(longest);
    if (size > left_.size()) return fail<std::string>();
    const std::string text(left_.substr(0, size));
    left_.remove_prefix(size);
    return text;
  }
  std::string text(std::size_t longest) {
    auto text = bytes(longest);
    return printable(text) ? text : fail<std::string>();
  }
  [[nodiscard]] Status end(const char* what) const {
    if (good_ && left_.empty()) return ok();
    return Error{Errc::corrupt, std::string("the fetch service's socket: no ") + what};
  }

 private:
  template <typename Value>
  Value fail() {
    good_ = false;
    left_ = {};
    return Value{};
  }
  std::string_view left_;
  bool good_ = true;
};

bool is_kind(char letter) {
  return std::string_view("SRHBE").find(letter) != std::string_view::npos;
}

std::size_t limit_of(FrameKind kind) {
  if (kind == FrameKind::settings) return max_settings_bytes;
  return kind == FrameKind::request ? max_request_bytes : max_frame_bytes;
}

void put_document(std::string& out, const PostedDocument& document) {
  put_number(out, static_cast<std::uint8_t>(document.fields.size()));
  for (const auto& [field, value] : document.fields) {
    put_number(out, static_cast<std::uint8_t>(field));
    put_text(out, value);
  }
  put_text(out, document.body);
}

// Fields come in the order of their numbers, each once.
Result<PostedDocument> take_document(Content& in) {
  PostedDocument document;
  int last = -1;
  for (auto left = in.number<std::uint8_t>(request_fields); left > 0; --left) {
    const int field = in.number<std::uint8_t>(request_fields - 1);
    if (field <= last) return Error{Errc::corrupt, "the fetch service's socket: no field"};
    document.fields[static_cast<RequestField>(field)] = in.text(max_field_bytes);
    last = field;
  }
  document.body = in.bytes(max_posted_bytes);
  if (check_document(document)) return document;
  return Error{Errc::corrupt, "the fetch service's socket: no document"};
}

// What the other side may say of a request: not that it was asked to stop, and no bug of ours.
constexpr std::array sayable{Errc::unreachable, Errc::untrusted, Errc::invalid, Errc::failed,
                             Errc::cancelled};

}  // namespace

std::string encode_frame(FrameKind kind, std::string_view content) {
  std::string frame(1, static_cast<char>(kind));
  frame.reserve(header_bytes + content.size());
  put_text(frame, content);
  return frame;
}

Result<std::optional<Frame>> FrameCutter::next() {
  const std::string_view left = std::string_view(bytes_).substr(at_);
  if (left.empty() || left.size() < header_bytes) {
    bytes_.erase(0, at_);
    at_ = 0;
    if (!bytes_.empty() && !is_kind(bytes_[0]))
      return Error{Errc::corrupt, "the fetch service's socket: no frame begins so"};
    return std::optional<Frame>();
  }
  const auto kind = static_cast<FrameKind>(left[0]);
  const auto size = number_in<std::uint32_t>(left.substr(1));
  if (!is_kind(left[0]) || size > limit_of(kind))
    return Error{Errc::corrupt, "the fetch service's socket: no frame begins so"};
  if (left.size() - header_bytes < size) {
    bytes_.erase(0, at_);
    at_ = 0;
    return std::optional<Frame>();
  }
  Frame frame{kind, std::string(left.substr(header_bytes, size))};
  at_ += header_bytes + size;
  return std::optional<Frame>(std::move(frame));
}

std::string encode_settings(const FetchSettings& settings) {
  std::string out;
  put_number(out, static_cast<std::uint8_t>(settings.allow_http ? 1 : 0));
  put_number(out, settings.max_bytes_per_second);
  put_number(out, static_cast<std::uint64_t>(settings.connect_timeout.count()));
  for (const auto* text : {&settings.proxy, &settings.certificates, &settings.client_certificate,
                           &settings.client_key})
    put_text(out, *text);
  return out;
}

Result<FetchSettings> decode_settings(std::string_view content) {
  Content in(content);
  FetchSettings settings;
  settings.allow_http = in.number<std::uint8_t>(1) == 1;
  constexpr std::uint64_t highest_rate = 1ULL << 40;  // bytes a second
  settings.max_bytes_per_second = in.number<std::uint64_t>(highest_rate);
  settings.connect_timeout = std::chrono::milliseconds(
      in.number<std::uint64_t>(static_cast<std::uint64_t>(longest_request.count())));
  settings.proxy = in.text(max_url);
  settings.certificates = in.bytes(max_pem);
  settings.client_certificate = in.bytes(max_pem);
  settings.client_key = in.bytes(max_pem);
  CUBE_CHECK(in.end("settings"));
  return settings;
}

std::string encode_request(const TransferRequest& request) {
  std::string out;
  put_number(out, static_cast<std::uint64_t>(request.remaining.count()));
  put_text(out, request.range);
  put_text(out, request.entity);
  put_text(out, request.url);
  put_number(out, static_cast<std::uint8_t>(request.posted ? 1 : 0));
  if (request.posted) put_document(out, *request.posted);
  return out;
}

Result<TransferRequest> decode_request(std::string_view content) {
  Content in(content);
  TransferRequest request;
  request.remaining = std::chrono::milliseconds(
      in.number<std::uint64_t>(static_cast<std::uint64_t>(longest_request.count())));
  request.range = in.text(max_range);
  request.entity = in.text(max_entity);
  request.url = in.text(max_url);
  if (in.number<std::uint8_t>(1) == 1) {
    CUBE_TRY(request.posted, take_document(in));
  }
  CUBE_CHECK(in.end("request"));
  const bool of_document = !request.range.empty() || !request.entity.empty();
  if (request.range.find_first_not_of("0123456789-") != std::string::npos ||
      (request.posted && of_document))
    return Error{Errc::corrupt, "the fetch service's socket: no range"};
  return request;
}

std::string encode_end(const Transfer& transfer) {
  std::string out;
  put_number(out, static_cast<std::uint8_t>(transfer.end));
  const auto* code = std::find(sayable.begin(), sayable.end(), transfer.code);
  put_number(out, static_cast<std::uint8_t>(code == sayable.end() ? 0 : code - sayable.begin()));
  put_number(out, static_cast<std::uint64_t>(transfer.asked_to_wait.count()));
  put_text(out, printable(transfer.text) ? transfer.text.substr(0, max_text) : "unprintable");
  put_number(out, static_cast<std::uint8_t>(transfer.sent ? 1 : 0));
  return out;
}

Result<Transfer> decode_end(std::string_view content) {
  Content in(content);
  Transfer transfer;
  transfer.end = static_cast<Transfer::End>(
      in.number<std::uint8_t>(static_cast<std::uint64_t>(Transfer::End::failed)));
  transfer.code = sayable.at(in.number<std::uint8_t>(sayable.size() - 1));
  transfer.asked_to_wait = std::chrono::seconds(
      in.number<std::uint64_t>(static_cast<std::uint64_t>(longest_wait.count())));
  transfer.text = in.text(max_text);
  transfer.sent = in.number<std::uint8_t>(1) == 1;
  CUBE_CHECK(in.end("end"));
  return transfer;
}

}  // namespace cube
