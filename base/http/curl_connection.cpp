#include "base/http/curl_connection.h"

#include <curl/curl.h>

#include <algorithm>

namespace cube {
namespace {

using std::chrono::milliseconds;

constexpr long max_redirects = 3;
constexpr long slow_bytes_per_second = 1024;
constexpr long slow_seconds = 30;
constexpr std::size_t max_error_page_bytes = 64 * 1024;
constexpr std::size_t max_head_bytes = 64 * 1024;  // status lines and headers, redirects included

struct Answer {
  CURL* easy = nullptr;
  std::string body;
  std::size_t max_bytes = 0;
  std::size_t error_page_bytes = 0;
  bool too_large = false;
  std::size_t head_bytes = 0;
};

long status_of(CURL* easy) {
  long status = 0;
  curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
  return status;
}

// libcurl's own size limit trusts the Content-Length, so the bytes are counted here. Any result but
// the count of bytes taken ends the transfer. The page that comes with an error is read and
// dropped, which keeps the connection.
std::size_t append_to_body(char* data, std::size_t size, std::size_t count, void* to) {
  auto& answer = *static_cast<Answer*>(to);
  const std::size_t bytes = size * count;
  if (status_of(answer.easy) != 200) {
    answer.error_page_bytes += bytes;
    return answer.error_page_bytes > max_error_page_bytes ? 0 : bytes;
  }
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

// Redirects stay with the scheme of the URL.
void set_schemes(Options& options, const std::string& url) {
  const std::string scheme = url.substr(0, url.find("://"));
#if LIBCURL_VERSION_NUM >= 0x075500
  options.set(CURLOPT_PROTOCOLS_STR, scheme.c_str());
  options.set(CURLOPT_REDIR_PROTOCOLS_STR, scheme.c_str());
#else  // Enterprise Linux 9 has 7.76
  const long only = scheme == "https" ? CURLPROTO_HTTPS : CURLPROTO_HTTP;
  options.set(CURLOPT_PROTOCOLS, only);
  options.set(CURLOPT_REDIR_PROTOCOLS, only);
#endif
}

void set_transport(Options& options, const std::string& url, const HttpConfig& config) {
  set_schemes(options, url);
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
  options.set(CURLOPT_NOSIGNAL, 1L);
  const milliseconds connect = std::min<milliseconds>(config.connect_timeout, remaining);
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect.count()));
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(remaining.count()));
  options.set(CURLOPT_LOW_SPEED_LIMIT, slow_bytes_per_second);
  options.set(CURLOPT_LOW_SPEED_TIME, slow_seconds);
  options.set(CURLOPT_USERAGENT, "cube-update");
}

// What to do about an answer that is not the document.
Errc code_for(long status) {
  if (status == 404 || status == 403 || status == 410) return Errc::not_found;
  // 408 Request Timeout, 425 Too Early, 429 Too Many Requests: later it may work.
  if (status == 408 || status == 425 || status == 429) return Errc::unreachable;
  return status >= 500 ? Errc::unreachable : Errc::failed;
}

// What to do about a failed transfer.
Errc code_for(CURLcode result) {
  switch (result) {
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

bool started() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result == CURLE_OK;
}

}  // namespace

CurlConnection::CurlConnection(const HttpConfig& config)
    : config_(config), share_(started() ? curl_share_init() : nullptr), easy_(nullptr) {
  if (share_ != nullptr)
    curl_share_setopt(share_, CURLSHOPT_SHARE, static_cast<int>(CURL_LOCK_DATA_CONNECT));
}

CurlConnection::~CurlConnection() {
  curl_easy_cleanup(easy_);
  curl_share_cleanup(share_);
}

std::chrono::seconds CurlConnection::asked_to_wait() const {
  curl_off_t seconds = 0;
  if (easy_ != nullptr) curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &seconds);
  constexpr curl_off_t most = 24 * 3600;
  return std::chrono::seconds(std::clamp<curl_off_t>(seconds, 0, most));
}

Result<std::string> CurlConnection::get(const std::string& url, std::size_t max_bytes,
                                        milliseconds remaining) {
  // A new handle each time; the connection stays in share_. In a handle that had a request before,
  // libcurl 7.88 reads freed memory when the first field of a head is folded.
  curl_easy_cleanup(easy_);
  easy_ = share_ != nullptr ? curl_easy_init() : nullptr;
  if (easy_ == nullptr) return Error{Errc::failed, url + ": libcurl cannot start"};
  Answer answer;
  answer.easy = easy_;
  answer.max_bytes = max_bytes;
  Options options(easy_);
  options.set(CURLOPT_SHARE, share_);
  options.set(CURLOPT_URL, url.c_str());
  set_transport(options, url, config_);
  set_limits(options, config_, remaining);
  options.set(CURLOPT_WRITEFUNCTION, &append_to_body);
  options.set(CURLOPT_WRITEDATA, static_cast<void*>(&answer));
  options.set(CURLOPT_HEADERFUNCTION, &count_head);
  options.set(CURLOPT_HEADERDATA, static_cast<void*>(&answer));
  if (!options.all_set())
    return Error{Errc::failed, url + ": this libcurl lacks an option that protects the transfer"};
  const CURLcode result = curl_easy_perform(easy_);
  if (answer.too_large)
    return Error{Errc::corrupt, url + ": larger than " + std::to_string(max_bytes) +
                                    " bytes, or headers without end"};
  const long status = status_of(easy_);
  if (result == CURLE_WRITE_ERROR || (result == CURLE_OK && status != 200))
    return Error{code_for(status),
                 url + ": the server answers with status " + std::to_string(status)};
  if (result != CURLE_OK) return Error{code_for(result), url + ": " + curl_easy_strerror(result)};
  return std::move(answer.body);
}

}  // namespace cube
