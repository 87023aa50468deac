#include "base/http/http_client.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>
#include <thread>

#include "base/fd.h"
#include "base/file_url.h"
#include "base/handed_folder.h"
#include "base/http/http_connection.h"
#include "base/http/pause.h"
#include "base/io.h"

namespace cube {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t max_url_bytes = 8192;
constexpr std::uint64_t bytes_per_second_at_least = 16 * 1024;
constexpr std::uint64_t local_piece_bytes = 1024 * 1024;

// What a folder cannot give is told as if a server had said it: errno is for this machine's own
// files.
Error of_source(Error error) {
  error.sys_errno = 0;
  return error;
}

Result<Fd> open_local(const std::string& url, std::uint64_t& size) {
  CUBE_TRY(const std::string path, path_of_file_url(url));
  constexpr int flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Fd file;
  if (is_handed_over(path)) {
    auto opened = open_handed_over(path, flags);
    if (!opened) return of_source(std::move(opened).error());
    file = std::move(*opened);
  } else {
    file = Fd(::open(path.c_str(), flags));
  }
  if (!file.valid()) return of_source(system_error("open " + path));
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return of_source(system_error("stat " + path));
  if (!S_ISREG(st.st_mode)) return Error{Errc::not_found, path + ": not a regular file"};
  size = static_cast<std::uint64_t>(st.st_size);
  return file;
}

Result<std::string> read_local(const std::string& url, std::size_t max_bytes) {
  std::uint64_t size = 0;
  CUBE_TRY(const Fd file, open_local(url, size));
  auto content = read_all(file, max_bytes);
  if (!content) return of_source(std::move(content).error().in(url));
  return content;
}

Status read_local_range(const std::string& url, const ByteRange& range, const ByteSink& take) {
  std::uint64_t size = 0;
  CUBE_TRY(const Fd file, open_local(url, size));
  if (size != range.total)
    return Error{Errc::corrupt, url + ": has " + std::to_string(size) + " bytes instead of " +
                                    std::to_string(range.total)};
  std::string piece;
  for (std::uint64_t done = 0; done < range.length; done += piece.size()) {
    const auto length = std::min<std::uint64_t>(range.length - done, local_piece_bytes);
    auto status = read_at(file, range.first + done, static_cast<std::size_t>(length), piece);
    if (!status) return of_source(std::move(status).error().in(url));
    CUBE_CHECK(take(piece));
  }
  return ok();
}

// For a message: what stands before an '@' may be a password.
std::string shown(const std::string& url) {
  return url.find('@') == std::string::npos ? url : "URL with an '@'";
}

}  // namespace

Status check_url(const std::string& url, bool allow_http) {
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable || url.size() > max_url_bytes)
    return Error{Errc::invalid,
                 "URL that is too long, or with other than printable ASCII characters; write those "
                 "as %20 and the like"};
  const auto scheme_end = url.find("://");
  const std::string scheme = scheme_end == std::string::npos ? "" : url.substr(0, scheme_end);
  if (scheme == "file") return ok();
  if (scheme != "https" && scheme != "http")
    return Error{Errc::invalid, shown(url) + ": not a URL of scheme https, http or file"};
  const auto start = scheme_end + 3;
  const std::string host = url.substr(start, url.find_first_of("/?#", start) - start);
  // libcurl would look for one behind further slashes.
  if (host.empty()) return Error{Errc::invalid, shown(url) + ": names no host"};
  if (host.find('@') != std::string::npos)
    return Error{Errc::invalid,
                 "URL with a user name or a password, which would end up in messages and in the "
                 "journal; let the server ask for a client certificate instead"};
  if (scheme == "http" && !allow_http)
    return Error{Errc::invalid, url + ": plain http is not allowed"};
  return ok();
}

struct HttpClient::State {
  HttpConfig config;
  HttpConnection connection;
  std::random_device random;
  bool sent = false;  // of the last document

  explicit State(HttpConfig given) : config(std::move(given)), connection(config) {}

  // False: cancelled.
  [[nodiscard]] bool wait(milliseconds pause) const {
    const auto end = steady_clock::now() + pause;
    while (steady_clock::now() < end) {
      if (config.cancelled && config.cancelled()) return false;
      std::this_thread::sleep_for(
          std::min<steady_clock::duration>(milliseconds{200}, end - steady_clock::now()));
    }
    return true;
  }

  // Does `request` until it does not say unreachable, or the time is spent, or so many tries in a
  // row were in vain: `given` grows with what a try brought.
  template <typename Request>
  auto with_retries(const std::string& url, milliseconds time, const std::uint64_t& given,
                    Request request) -> decltype(request(time)) {
    const auto end = steady_clock::now() + time;
    for (int failed = 0;;) {
      const auto remaining = duration_cast<milliseconds>(end - steady_clock::now());
      if (remaining <= milliseconds{0})
        return Error{Errc::unreachable, url + ": no answer in time"};
      const auto given_before = given;
      auto result = request(remaining);
      if (result || result.error().code != Errc::unreachable) return result;
      if (given > given_before) failed = 0;
      if (++failed >= config.tries) return result;
      const auto pause = pause_after(failed, random(), connection.asked_to_wait());
      if (steady_clock::now() + pause >= end) return result;
      if (!wait(pause)) return Error{Errc::cancelled, url + ": stopped on request"};
    }
  }
};

HttpClient::HttpClient(HttpConfig config) : state_(std::make_unique<State>(std::move(config))) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

Result<std::string> HttpClient::get(const std::string& url, std::size_t max_bytes) {
  CUBE_CHECK(check_url(url, state_->config.allow_http));
  if (url.starts_with("file:")) return read_local(url, max_bytes);
  PartialDocument so_far;
  const std::uint64_t nothing = 0;
  return state_->with_retries(url, state_->config.deadline, nothing, [&](milliseconds remaining) {
    return state_->connection.get(url, max_bytes, remaining, so_far);
  });
}

Status HttpClient::get_range(const std::string& url, const ByteRange& range, const ByteSink& take) {
  CUBE_CHECK(check_url(url, state_->config.allow_http));
  if (range.length == 0 || range.first >= range.total || range.length > range.total - range.first)
    return Error{Errc::invalid, url + ": no such range"};
  if (url.starts_with("file:")) return read_local_range(url, range, take);
  const std::chrono::seconds more(range.length / bytes_per_second_at_least);
  std::uint64_t given = 0;
  return state_->with_retries(
      url, state_->config.deadline + more, given, [&](milliseconds remaining) {
        return state_->connection.get_range(url, range, remaining, take, given);
      });
}

Result<HttpAnswer> HttpClient::post(const std::string& url, const PostedDocument& document,
                                    std::size_t max_bytes, milliseconds time) {
  state_->sent = false;
  CUBE_CHECK(check_url(url, state_->config.allow_http));
  if (url.starts_with("file:")) return Error{Errc::invalid, url + ": nothing is sent to a file"};
  CUBE_CHECK(check_document(document));
  auto answer = state_->connection.post(url, document, max_bytes, time);
  state_->sent = state_->connection.sent();
  return answer;
}

bool HttpClient::sent() const {
  return state_->sent;
}

}  // namespace cube
