// A URL from a configuration: what check_url passes, libcurl understands in the same way, without a
// name or a password; and no refusal repeats a password.
#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "base/http/http_client.h"

namespace {

using Parts = std::unique_ptr<CURLU, decltype(&curl_url_cleanup)>;

std::string part(const Parts& parts, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(parts.get(), which, &text, 0) != CURLUE_OK) return "";
  std::string copy(text);
  curl_free(text);
  return copy;
}

void compare(const std::string& url, const cube::Status& verdict) {
  const Parts parts(curl_url(), &curl_url_cleanup);
  const unsigned flags = CURLU_GUESS_SCHEME | CURLU_NON_SUPPORT_SCHEME;  // those of CURLOPT_URL
  if (curl_url_set(parts.get(), CURLUPART_URL, url.c_str(), flags) != CURLUE_OK) return;
  const bool secret =
      !part(parts, CURLUPART_USER).empty() || !part(parts, CURLUPART_PASSWORD).empty();
  if (!verdict) {
    if (secret && verdict.error().what.find(url) != std::string::npos) std::abort();
    return;
  }
  if (secret || part(parts, CURLUPART_SCHEME) != url.substr(0, url.find("://"))) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string url(reinterpret_cast<const char*>(data), size);
  const auto verdict = cube::check_url(url, true);
  const auto strict = cube::check_url(url, false);
  if (strict && (!verdict || url.starts_with("http:"))) std::abort();
  if (verdict && !strict && !url.starts_with("http:")) std::abort();
  if (verdict && url.find_first_of(std::string("\0\t\n\r ", 5)) != std::string::npos) std::abort();
  if (url.find('\0') == std::string::npos) compare(url, verdict);
  return 0;
}
