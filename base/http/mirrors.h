// Mirrors: servers that have, or may have, the same files as another one, the source. They are
// asked first where what they give can be checked, and for nothing that must come from the source.
//
// None of them is trusted. One that does not answer, or too slowly (patience.h), or with other
// bytes, is left out from then on; of one that lacks a file, only that file. Either is
// told once, as a line in the log. They get neither the client certificate nor the proxy that are
// for the source.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/http/http_client.h"
#include "base/http/patience.h"
#include "base/result.h"

namespace cube {

inline constexpr std::size_t max_mirrors = 8;

// Thread-safe.
class Mirrors {
 public:
  // `source`: URL of the source's folder, without a '/' at its end; `urls`: those of the same
  // folder at the mirrors, in the order in which they are asked. `http`: how the source is asked;
  // of it allow_http says whether mirrors may be. URLs are http:// or https://, as check_url(),
  // without '?' and '#'. Errors: invalid (a URL, too many).
  static Result<std::shared_ptr<Mirrors>> make(std::string source,
                                               const std::vector<std::string>& urls,
                                               const HttpConfig& http);

  struct Place {
    std::size_t mirror = 0;
    std::string url;
  };
  // Where a file or folder of the source may be asked for now. None for one that is not below the
  // source's folder.
  [[nodiscard]] std::vector<Place> of(const std::string& url) const;
  [[nodiscard]] bool is_left_out(std::size_t mirror) const;
  // What came of asking: `not_found` is about this file alone.
  void give_up(const Place& place, const Error& why);

  // How mirrors are asked: once, without credentials.
  [[nodiscard]] const HttpConfig& http() const { return http_; }

 private:
  Mirrors(std::string source, std::vector<std::string> urls, HttpConfig http)
      : source_(std::move(source)), urls_(std::move(urls)), http_(std::move(http)) {}

  std::string source_;
  std::vector<std::string> urls_;
  HttpConfig http_;
  mutable std::mutex mutex_;
  std::set<std::size_t> left_out_;
  std::set<std::string> lacking_;  // URLs at mirrors
};

// One thread's connections to mirrors.
class MirrorClient {
 public:
  // `rate`: bytes per second at most, 0: no limit. `cancelled` may be empty.
  MirrorClient(std::shared_ptr<Mirrors> mirrors, std::uint64_t rate,
               std::function<bool()> cancelled);
  MirrorClient(MirrorClient&&) noexcept;
  MirrorClient& operator=(MirrorClient&&) noexcept;
  ~MirrorClient();

  // As HttpClient::get_range, within the patience, or until somebody leaves this mirror out.
  // Errors: the same; cancelled only if `cancelled` says so, else unreachable.
  Status get_range(const Mirrors::Place& place, const ByteRange& range, const ByteSink& take);

 private:
  struct Connection;
  std::shared_ptr<Mirrors> mirrors_;
  std::uint64_t rate_;
  std::function<bool()> cancelled_;
  std::map<std::size_t, std::unique_ptr<Connection>> connections_;
};

}  // namespace cube
