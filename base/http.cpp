#include "base/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "base/fd.h"
#include "base/file_url.h"
#include "base/io.h"

namespace cube {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;

constexpr long max_redirects = 3;
constexpr long slow_bytes_per_second = 1024;
constexpr long slow_seconds = 30;
constexpr std::size_t max_url_bytes = 8192;
constexpr milliseconds first_pause{200};  // before the second try; doubles

constexpr std::size_t max_head_bytes = 64 * 1024;  // status lines and headers, redirects included

struct Answer {
  std::string body;
  std::size_t max_bytes = 0;
  bool too_large = false;
  std::size_t head_bytes = 0;
};

// libcurl's own size limit trusts the Content-Length, so the bytes are counted here. Any result but
// the count of bytes taken ends the transfer.
std::size_t append_to_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  const std::size_t bytes = size * count;
  if (bytes > answer.max_bytes - answer.body.size()) {
    answer.too_large = true;
    return 0;
  }
  answer.body.append(data, bytes);
  return bytes;
}

// libcurl keeps every header in memory, without a limit (7.84 to 8.2).
std::size_t count_head(char*, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  const std::size_t bytes = size * count;
  if (bytes > max_head_bytes - answer.head_bytes) {
    answer.too_large = true;
    return 0;
  }
  answer.head_bytes += bytes;
  return bytes;
}

std::string scheme_of(const std::string& url) {
  const auto end = url.find("://");
  return end == std::string::npos ? "" : url.substr(0, end);
}

Status check_url(const std::string& url, const HttpConfig& config) {
  const auto scheme = scheme_of(url);
  const bool printable =
      std::all_of(url.begin(), url.end(), [](char c) { return c > ' ' && c < 0x7f; });
  if (!printable || url.size() > max_url_bytes)
    return Error{Errc::invalid,
                 "URL that is too long, or with other than printable ASCII characters; write those "
                 "as %20 and the like"};
  if (scheme == "https" || scheme == "file" || (scheme == "http" && config.allow_http)) return ok();
  if (scheme == "http")
    return Error{Errc::invalid, url + ": plain http is not allowed"};
  return Error{Errc::invalid, url + ": not a URL of scheme https, http or file"};
}

Result<std::string> read_local(const std::string& url, std::size_t max_bytes) {
  CUBE_TRY(const std::string path, path_of_file_url(url));
  const Fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!file.valid()) return system_error("open " + path);
  struct stat st {};
  if (::fstat(file.get(), &st) != 0) return system_error("stat " + path);
  if (!S_ISREG(st.st_mode)) return Error{Errc::not_found, path + ": not a regular file"};
  auto content = read_all(file, max_bytes);
  if (!content) return std::move(content).error().in(path);
  return content;
}

// Collects whether every option was accepted: an option that this libcurl does not know must not be
// silently absent.
class Options {
 public:
  explicit Options(CURL* easy) : easy_(easy) {}
  template <typename T>
  void set(CURLoption option, T value) {
    if (curl_easy_setopt(easy_, option, value) != CURLE_OK) all_set_ = false;
  }
  void set_if(CURLoption option, const std::string& value) {
    if (!value.empty()) set(option, value.c_str());
  }
  [[nodiscard]] bool all_set() const { return all_set_; }

 private:
  CURL* easy_;
  bool all_set_ = true;
};

// `scheme` is "https" or "http".
void set_schemes(Options& options, const std::string& scheme) {
#if LIBCURL_VERSION_NUM >= 0x075500
  options.set(CURLOPT_PROTOCOLS_STR, scheme.c_str());
  options.set(CURLOPT_REDIR_PROTOCOLS_STR, scheme.c_str());
#else  // Enterprise Linux 9 has 7.76
  const long only = scheme == "https" ? CURLPROTO_HTTPS : CURLPROTO_HTTP;
  options.set(CURLOPT_PROTOCOLS, only);
  options.set(CURLOPT_REDIR_PROTOCOLS, only);
#endif
}

void set_transport(Options& options, const std::string& scheme, const HttpConfig& config) {
  set_schemes(options, scheme);
  options.set(CURLOPT_FOLLOWLOCATION, 1L);
  options.set(CURLOPT_MAXREDIRS, max_redirects);
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  options.set(CURLOPT_SSL_VERIFYPEER, 1L);
  options.set(CURLOPT_SSL_VERIFYHOST, 2L);
  options.set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  options.set(CURLOPT_PROXY, config.proxy.c_str());  // "" also turns the environment's off
  options.set(CURLOPT_NOPROXY, "");
  options.set_if(CURLOPT_CAINFO, config.ca_file);
  options.set_if(CURLOPT_SSLCERT, config.client_certificate);
  options.set_if(CURLOPT_SSLKEY, config.client_key);
}

void set_limits(Options& options, const HttpConfig& config, milliseconds remaining) {
  options.set(CURLOPT_FAILONERROR, 1L);
  options.set(CURLOPT_NOSIGNAL, 1L);
  const milliseconds connect = std::min<milliseconds>(config.connect_timeout, remaining);
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(remaining.count()));
  options.set(CURLOPT_LOW_SPEED_LIMIT, slow_bytes_per_second);
  options.set(CURLOPT_LOW_SPEED_TIME, slow_seconds);
  options.set(CURLOPT_USERAGENT, "cube-update");
}

// What to do about a failed transfer. `status` is the HTTP status, 0 without an answer.
Errc code_for(CURLcode result, long status) {
  switch (result) {
    case CURLE_HTTP_RETURNED_ERROR:
      if (status == 404 || status == 403 || status == 410) return Errc::not_found;
      // 408 Request Timeout, 425 Too Early, 429 Too Many Requests: later it may work.
      if (status == 408 || status == 425 || status == 429) return Errc::unreachable;
      return status >= 500 ? Errc::unreachable : Errc::failed;
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return Errc::invalid;
    case CURLE_PEER_FAILED_VERIFICATION:
      return Errc::untrusted;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_TOO_MANY_REDIRECTS:
      return Errc::failed;
    default:
      return Errc::unreachable;
  }
}

Result<std::string> try_once(const std::string& url, std::size_t max_bytes,
                             const HttpConfig& config, milliseconds remaining) {
  const Easy easy(curl_easy_init(), &curl_easy_cleanup);
  if (!easy) return Error{Errc::failed, url + ": libcurl cannot start"};
  Answer answer;
  answer.max_bytes = max_bytes;
  Options options(easy.get());
  options.set(CURLOPT_URL, url.c_str());
  set_transport(options, scheme_of(url), config);
  set_limits(options, config, remaining);
  options.set(CURLOPT_WRITEFUNCTION, &append_to_body);
  options.set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  options.set(CURLOPT_HEADERFUNCTION, &count_head);
  options.set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
  if (!options.all_set())
    return Error{Errc::failed, url + ": this libcurl lacks an option that protects the transfer"};
  const CURLcode result = curl_easy_perform(easy.get());
  if (result == CURLE_OK) return std::move(answer.body);
  if (answer.too_large)
    return Error{Errc::corrupt, url + ": larger than " + std::to_string(max_bytes) +
                                    " bytes, or headers without end"};
  long status = 0;
  curl_easy_getinfo(easy.get(), CURLINFO_RESPONSE_CODE, &status);
  const std::string why = result == CURLE_HTTP_RETURNED_ERROR
                              ? "the server answers with status " + std::to_string(status)
                              : curl_easy_strerror(result);
  return Error{code_for(result, status), url + ": " + why};
}

}  // namespace

Result<std::string> http_get(const std::string& url, std::size_t max_bytes,
                             const HttpConfig& config) {
  CUBE_CHECK(check_url(url, config));
  if (scheme_of(url) == "file") return read_local(url, max_bytes);
  static const CURLcode started = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (started != CURLE_OK) return Error{Errc::failed, "libcurl cannot start"};
  const auto end = steady_clock::now() + config.deadline;
  milliseconds pause = first_pause;
  for (int tries_left = config.tries;; --tries_left) {
    const auto remaining = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    if (remaining <= milliseconds{0}) return Error{Errc::unreachable, url + ": no answer in time"};
    auto document = try_once(url, max_bytes, config, remaining);
    if (document || document.error().code != Errc::unreachable || tries_left <= 1) return document;
    if (steady_clock::now() + pause >= end) return document;
    std::this_thread::sleep_for(pause);
    pause *= 2;
  }
}

}  // namespace cube
