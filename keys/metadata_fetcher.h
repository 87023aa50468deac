// MetadataFetcher: the port through which TufClient reads a repository. What it returns is not
// trusted.
#pragma once

#include <cstddef>
#include <string>

#include "base/http/http_client.h"
#include "base/result.h"

namespace cube {

class MetadataFetcher {
 public:
  virtual ~MetadataFetcher() = default;
  // The whole file at `path`, relative to the repository ("metadata/timestamp.json").
  // Errors: not_found, corrupt (more than max_bytes), unreachable, failed.
  virtual Result<std::string> get(const std::string& path, std::size_t max_bytes) = 0;
};

// Over base/http: a repository at a URL or in a folder (file:///...). Whatever fails on the way there
// is unreachable: an answer of no use, too many redirects, a file that cannot be read.
class UrlFetcher final : public MetadataFetcher {
 public:
  UrlFetcher(std::string url, HttpConfig config)
      : url_(std::move(url)), client_(std::move(config)) {}
  Result<std::string> get(const std::string& path, std::size_t max_bytes) override {
    auto text = client_.get(url_ + "/" + path, max_bytes);
    if (!text && text.error().code == Errc::failed) text.error().code = Errc::unreachable;
    return text;
  }

 private:
  std::string url_;
  HttpClient client_;
};

}  // namespace cube
