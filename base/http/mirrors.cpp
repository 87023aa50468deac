#include "base/http/mirrors.h"

#include <utility>

#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

HttpConfig without_credentials(HttpConfig http) {
  if (mutated("mirror-gets-credentials")) return http;
  http.client_certificate.clear();
  http.client_key.clear();
  http.proxy.clear();
  return http;
}

Status check_mirror(const std::string& url) {
  CUBE_CHECK(check_url(url, true));
  if (url.starts_with("file:") || url.find_first_of("?#") != std::string::npos)
    return Error{Errc::invalid, url + ": a mirror is a folder at http:// or https://"};
  return ok();
}

}  // namespace

Result<std::shared_ptr<Mirrors>> Mirrors::make(std::string source,
                                               const std::vector<std::string>& urls,
                                               const HttpConfig& http) {
  if (urls.size() > max_mirrors)
    return Error{Errc::invalid, "at most " + std::to_string(max_mirrors) + " mirrors are asked"};
  std::vector<std::string> bases;
  for (std::string url : urls) {
    CUBE_CHECK(check_mirror(url));
    if (url.starts_with("http:") && !http.allow_http)
      return Error{Errc::invalid, "mirror " + url + ": plain http is not allowed"};
    while (url.ends_with('/')) url.pop_back();
    bases.push_back(std::move(url));
  }
  HttpConfig asked = without_credentials(http);
  asked.connect_timeout = std::chrono::duration_cast<seconds>(Patience::at_most);
  asked.tries = 1;
  return std::shared_ptr<Mirrors>(
      new Mirrors(std::move(source), std::move(bases), std::move(asked)));
}

std::vector<Mirrors::Place> Mirrors::of(const std::string& url) const {
  std::vector<Place> places;
  if (!url.starts_with(source_) || (url.size() > source_.size() && url[source_.size()] != '/'))
    return places;
  const std::string below = url.substr(source_.size());
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < urls_.size(); ++i)
    if (left_out_.count(i) == 0 && lacking_.count(urls_[i] + below) == 0)
      places.push_back({i, urls_[i] + below});
  return places;
}

bool Mirrors::is_left_out(std::size_t mirror) const {
  const std::lock_guard lock(mutex_);
  return left_out_.count(mirror) != 0;
}

void Mirrors::give_up(const Place& place, const Error& why) {
  const bool lacks = why.code == Errc::not_found;
  {
    const std::lock_guard lock(mutex_);
    const bool news =
        lacks ? lacking_.insert(place.url).second : left_out_.insert(place.mirror).second;
    if (!news) return;
  }
  log(Level::warning,
      "mirror " + urls_[place.mirror] + (lacks ? " lacks a file: " : " is left out: ") + why.what);
}

struct MirrorClient::Connection {
  Patience patience;
  HttpClient client;

  Connection(const HttpConfig& http, std::uint64_t cap, const std::function<bool()>& cancelled,
             const std::function<bool()>& given_up)
      : patience(cap), client(bounded(http, cancelled, given_up)) {}

  HttpConfig bounded(HttpConfig http, const std::function<bool()>& cancelled,
                     const std::function<bool()>& given_up) {
    http.cancelled = [this, cancelled, given_up] {
      const bool waits_on = !patience.spent(steady_clock::now()) || mutated("mirror-waited-for");
      return !waits_on || given_up() || (cancelled && cancelled());
    };
    return http;
  }
};

MirrorClient::MirrorClient(std::shared_ptr<Mirrors> mirrors, std::uint64_t rate,
                           std::function<bool()> cancelled)
    : mirrors_(std::move(mirrors)), rate_(rate), cancelled_(std::move(cancelled)) {}
MirrorClient::MirrorClient(MirrorClient&&) noexcept = default;
MirrorClient& MirrorClient::operator=(MirrorClient&&) noexcept = default;
MirrorClient::~MirrorClient() = default;

Status MirrorClient::get_range(const Mirrors::Place& place, const ByteRange& range,
                               const ByteSink& take) {
  auto& connection = connections_[place.mirror];
  if (!connection) {
    HttpConfig http = mirrors_->http();
    http.max_bytes_per_second = rate_;
    connection = std::make_unique<Connection>(
        http, rate_, cancelled_,
        [&mirrors = *mirrors_, mirror = place.mirror] { return mirrors.is_left_out(mirror); });
  }
  auto& patience = connection->patience;
  patience.begin(steady_clock::now());
  auto status = connection->client.get_range(place.url, range, [&](std::string_view piece) {
    patience.arrived(piece.size(), steady_clock::now());
    auto taken = take(piece);
    patience.resume(steady_clock::now());
    return taken;
  });
  const bool by_us = !status && status.error().code == Errc::cancelled;
  if (by_us && !(cancelled_ && cancelled_()))
    return Error{Errc::unreachable, place.url + ": too slow"};
  return status;
}

}  // namespace cube
