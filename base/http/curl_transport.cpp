#include "base/http/curl_transport.h"

#include <curl/curl.h>

#include <algorithm>

#include "base/mutation.h"

namespace cube {
namespace {

using std::chrono::milliseconds;

constexpr long max_redirects = 3;
constexpr long slow_bytes_per_second = 1024;
constexpr long slow_seconds = 30;
constexpr curl_off_t longest_wait = 24 * 3600;

// libcurl's own size limit trusts the Content-Length, so the answer counts the bytes. Any result
// but the count of bytes taken ends the transfer.
std::size_t take_body(char* data, std::size_t size, std::size_t count, void* receiver) {
  const std::size_t bytes = size * count;
  return static_cast<Receiver*>(receiver)->take_body({data, bytes}) ? bytes : 0;
}

// libcurl keeps every header in memory, without a limit (7.84 to 8.2).
std::size_t take_head(char* data, std::size_t size, std::size_t count, void* receiver) {
  const std::size_t bytes = size * count;
  return static_cast<Receiver*>(receiver)->take_head({data, bytes}) ? bytes : 0;
}

// Any result but 0 ends the transfer.
int ask_whether_cancelled(void* config, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  return static_cast<const HttpConfig*>(config)->cancelled() ? 1 : 0;
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
  options.set(CURLOPT_MAX_RECV_SPEED_LARGE, static_cast<curl_off_t>(config.max_bytes_per_second));
  options.set(CURLOPT_USERAGENT, "cube-update");
  if (!config.cancelled) return;
  options.set(CURLOPT_NOPROGRESS, 0L);
  options.set(CURLOPT_XFERINFOFUNCTION, &ask_whether_cancelled);
  options.set(CURLOPT_XFERINFODATA, static_cast<const void*>(&config));
}

// What to do about a failed transfer.
Errc code_for(CURLcode result) {
  switch (result) {
    case CURLE_URL_MALFORMAT:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
      return Errc::invalid;
    case CURLE_PEER_FAILED_VERIFICATION:
      return Errc::untrusted;
    case CURLE_ABORTED_BY_CALLBACK:
      return Errc::cancelled;
    case CURLE_OUT_OF_MEMORY:
    case CURLE_FAILED_INIT:
    case CURLE_TOO_MANY_REDIRECTS:
      return Errc::failed;
    default:
      return Errc::unreachable;
  }
}

Transfer as_transfer(CURLcode result, std::chrono::seconds asked_to_wait) {
  using End = Transfer::End;
  if (result == CURLE_OK) return {End::whole, Errc::unreachable, "", asked_to_wait};
  if (result == CURLE_WRITE_ERROR) return {End::stopped, Errc::unreachable, "", asked_to_wait};
  const End end = result == CURLE_UNSUPPORTED_PROTOCOL ? End::other_scheme : End::failed;
  return {end, code_for(result), curl_easy_strerror(result), asked_to_wait};
}

// Header fields of a request.
class Fields {
 public:
  Fields() = default;
  Fields(const Fields&) = delete;
  Fields& operator=(const Fields&) = delete;
  ~Fields() { curl_slist_free_all(list_); }
  // False: out of memory.
  [[nodiscard]] bool add(const std::string& field) {
    auto* longer = curl_slist_append(list_, field.c_str());
    if (longer != nullptr) list_ = longer;
    return longer != nullptr;
  }
  [[nodiscard]] curl_slist* list() const { return list_; }

 private:
  curl_slist* list_ = nullptr;
};

// The body of a POST, which is read once: libcurl sends a request again by itself when a connection
// that it reused ends before the answer begins, but not one whose body it cannot get anew.
struct Body {
  std::string_view left;

  static std::size_t read(char* out, std::size_t size, std::size_t count, void* body) {
    auto& left = static_cast<Body*>(body)->left;
    const auto bytes = std::min(left.size(), size * count);
    std::copy_n(left.begin(), bytes, out);
    left.remove_prefix(bytes);
    return bytes;
  }
  static int seek(void*, curl_off_t, int) { return CURL_SEEKFUNC_FAIL; }
};

void set_post(Options& options, const PostedDocument& document, Body& body) {
  options.set(CURLOPT_POST, 1L);
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
  options.set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(document.body.size()));
  if (mutated("etcd-post-retried")) return options.set(CURLOPT_POSTFIELDS, document.body.c_str());
  body.left = document.body;
  options.set(CURLOPT_READFUNCTION, &Body::read);
  options.set(CURLOPT_READDATA, static_cast<void*>(&body));
  options.set(CURLOPT_SEEKFUNCTION, &Body::seek);
}

bool add_fields(Fields& fields, const TransferRequest& request) {
  if (!request.entity.empty() && !fields.add("If-Range: " + request.entity)) return false;
  if (!request.posted) return true;
  bool added = fields.add("Expect:");  // not: a long body goes out without waiting for leave
  for (const auto& [field, value] : request.posted->fields)
    added = added && fields.add(std::string(name_of(field)) + ": " + value);
  return added;
}

bool started() {
  static const CURLcode result = curl_global_init(CURL_GLOBAL_DEFAULT);
  return result == CURLE_OK;
}

}  // namespace

CurlTransport::CurlTransport(const HttpConfig& config)
    : config_(config), share_(started() ? curl_share_init() : nullptr), easy_(nullptr) {
  if (share_ != nullptr)
    curl_share_setopt(share_, CURLSHOPT_SHARE, static_cast<int>(CURL_LOCK_DATA_CONNECT));
}

CurlTransport::~CurlTransport() {
  curl_easy_cleanup(easy_);
  curl_share_cleanup(share_);
}

Result<Transfer> CurlTransport::perform(const TransferRequest& request, Receiver& receiver) {
  // A new handle each time; the connection stays in share_. In a handle that had a request before,
  // libcurl 7.88 reads freed memory when the first field of a head is folded.
  curl_easy_cleanup(easy_);
  easy_ = share_ != nullptr ? curl_easy_init() : nullptr;
  const std::string& url = request.url;
  if (easy_ == nullptr) return Error{Errc::failed, url + ": libcurl cannot start"};
  Fields fields;
  if (!add_fields(fields, request)) return Error{Errc::failed, url + ": out of memory"};
  Options options(easy_);
  options.set(CURLOPT_SHARE, share_);
  options.set(CURLOPT_URL, url.c_str());
  set_transport(options, url, config_);
  set_limits(options, config_, request.remaining);
  options.set(CURLOPT_WRITEFUNCTION, &take_body);
  options.set(CURLOPT_WRITEDATA, static_cast<void*>(&receiver));
  options.set(CURLOPT_HEADERFUNCTION, &take_head);
  options.set(CURLOPT_HEADERDATA, static_cast<void*>(&receiver));
  options.set_if(CURLOPT_RANGE, request.range);
  Body body;
  if (request.posted) set_post(options, *request.posted, body);
  if (fields.list() != nullptr) options.set(CURLOPT_HTTPHEADER, fields.list());
  if (!options.all_set())
    return Error{Errc::failed, url + ": this libcurl lacks an option that protects the transfer"};
  const CURLcode result = curl_easy_perform(easy_);
  curl_off_t wait = 0;
  curl_easy_getinfo(easy_, CURLINFO_RETRY_AFTER, &wait);
  long sent = 1;
  if (result != CURLE_OK) curl_easy_getinfo(easy_, CURLINFO_REQUEST_SIZE, &sent);
  auto transfer =
      as_transfer(result, std::chrono::seconds(std::clamp<curl_off_t>(wait, 0, longest_wait)));
  transfer.sent = sent > 0;
  return transfer;
}

}  // namespace cube
