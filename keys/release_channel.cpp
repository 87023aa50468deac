#include "keys/release_channel.h"

#include <algorithm>
#include <functional>
#include <optional>

#include "base/durable_file.h"
#include "base/file_url.h"
#include "base/log.h"
#include "keys/known_fetcher.h"
#include "keys/tuf_client.h"
#include "model/manifest.h"
#include "model/name.h"

namespace cube {
namespace {

constexpr std::chrono::seconds mirror_deadline{10};  // of one document

// One spelling for a repository: a URL without a slash at its end; a folder gets its URL.
Result<std::string> repository_url(const std::string& text, const HttpConfig& http) {
  std::string url = text.substr(0, 1) == "/" ? file_url(text) : text;
  while (!url.empty() && url.back() == '/') url.pop_back();
  CUBE_CHECK(check_url(url, true));
  const auto starts = [&](const std::string& head) {
    return url.size() > head.size() && url.compare(0, head.size(), head) == 0;
  };
  if (starts("https://") || starts("file:///") || (starts("http://") && http.allow_http))
    return url;
  if (starts("http://"))
    return Error{Errc::invalid, "repository " + url +
                                    ": plain http is not allowed; use https, or set "
                                    "source.allow-http = true in the configuration"};
  return Error{Errc::invalid,
               "repository \"" + url + "\": not https://, http://, file:/// or an absolute path"};
}

// Metadata or a manifest that is cut off or altered is one that nobody signed; one that is signed
// and makes no sense is not believed either.
Error not_believed(Error error, const std::string& url) {
  if (error.code == Errc::corrupt) error.code = Errc::untrusted;
  return std::move(error).in("repository " + url);
}

// When metadata was believed last, "2026-11-25T20:55:00Z": a clock that is behind it is wrong. What
// was believed then had not expired, so a clock that was far ahead once is never remembered.
class LastTime {
 public:
  LastTime(const RootDir& root, const std::string& folder)
      : root_(&root), file_(folder + "/last-time") {}
  [[nodiscard]] UnixSeconds read() const {
    const auto text = root_->read_file(file_, 64);
    const auto time = text ? parse_utc(text->substr(0, text->find('\n'))) : Error{};
    return time ? *time : 0;
  }
  [[nodiscard]] Status write(UnixSeconds time) const {
    constexpr UnixSeconds hour = 3600;
    if (time < read() + hour) return ok();
    return replace_file(*root_, file_, format_utc(time) + "\n");
  }

 private:
  const RootDir* root_;
  std::string file_;
};

}  // namespace

struct ReleaseChannel::State {
  std::string url;
  TufClient client;
  LastTime last_time;
  UnixSeconds now;
  bool remember;
  // Another client, which asks a mirror; empty: there is none.
  std::function<Result<TufClient>(const std::string& mirror)> at_mirror;
  std::shared_ptr<Mirrors> mirrors;
  std::optional<Status> refreshed;
};

Result<ReleaseChannel> ReleaseChannel::open(const RootDir& root, const Clock& clock,
                                            ChannelConfig config) {
  CUBE_TRY(std::string url, repository_url(config.url, config.http));
  const LastTime last_time(root, config.state);
  const TufPlaces places{std::move(config.trusted_root), std::move(config.state),
                         config.remember ? TufStore::Writes::together : TufStore::Writes::never};
  const UnixSeconds now = std::max({clock.now(), config.not_before, last_time.read()});
  const auto client_of = [&root, places, fresh = Freshness(now, config.accept_stale)](
                             const std::string& from, HttpConfig http) {
    return TufClient::open(root, fresh, places,
                           std::make_unique<UrlFetcher>(from, std::move(http)));
  };
  CUBE_TRY(auto client, client_of(url, std::move(config.http)));
  const auto at_mirror = [client_of, mirrors = config.mirrors](const std::string& from) {
    HttpConfig http = mirrors->http();
    http.deadline = mirror_deadline;
    return client_of(from, std::move(http));
  };
  return ReleaseChannel(std::make_unique<State>(State{std::move(url), std::move(client), last_time,
                                                      now, config.remember, at_mirror,
                                                      std::move(config.mirrors), std::nullopt}));
}

Result<ReleaseChannel> ReleaseChannel::open_known(const RootDir& root, const Clock& clock,
                                                  ChannelConfig config, std::string manifest) {
  CUBE_TRY(std::string url, repository_url(config.url, config.http));
  auto fetcher = std::make_unique<KnownFetcher>(root, config.state, std::move(manifest));
  const LastTime last_time(root, config.state);
  const UnixSeconds believed = last_time.read();
  const UnixSeconds now = std::max({clock.now(), config.not_before, believed});
  CUBE_TRY(auto client,
           TufClient::open(
               root, Freshness::since(believed > 0 ? believed : now, now, config.accept_stale),
               {std::move(config.trusted_root), std::move(config.state), TufStore::Writes::never},
               std::move(fetcher)));
  return ReleaseChannel(std::make_unique<State>(
      State{std::move(url), std::move(client), last_time, now, false, {}, nullptr, std::nullopt}));
}

ReleaseChannel::ReleaseChannel(std::unique_ptr<State> state) : state_(std::move(state)) {}
ReleaseChannel::ReleaseChannel(ReleaseChannel&&) noexcept = default;
ReleaseChannel& ReleaseChannel::operator=(ReleaseChannel&&) noexcept = default;
ReleaseChannel::~ReleaseChannel() = default;

Status ReleaseChannel::refresh() {
  if (!state_->refreshed) {
    auto status = state_->client.refresh();
    if (!status && status.error().code == Errc::unreachable && state_->mirrors)
      status = ask_mirrors(std::move(status).error());
    if (!status)
      status = not_believed(std::move(status).error(), state_->url);
    else if (state_->remember && state_->client.stale().empty())
      status = state_->last_time.write(state_->now);
    state_->refreshed = std::move(status);
  }
  return *state_->refreshed;
}

// One whose documents are believed answers from now on. Whatever is wrong with mirrors, it was the
// repository that could not be reached.
Status ReleaseChannel::ask_mirrors(Error unreachable) {
  for (const auto& mirror : state_->mirrors->of(state_->url)) {
    auto client = state_->at_mirror(mirror.url);
    auto status = client ? client->refresh() : Status(client.error());
    if (!status) {
      unreachable.what += "; mirror " + mirror.url + ": " + status.error().what;
      continue;
    }
    log(Level::notice, "repository " + state_->url + ": " + unreachable.what +
                           "; its metadata is from mirror " + mirror.url +
                           ", which may not have the newest before what it has expires");
    state_->client = std::move(*client);
    return ok();
  }
  return unreachable;
}

Result<std::vector<ReleaseName>> ReleaseChannel::names() {
  CUBE_CHECK(refresh());
  const auto offered = state_->client.releases();
  if (!offered) return not_believed(offered.error(), state_->url);
  std::vector<ReleaseName> names;
  for (const auto& text : *offered) {
    auto name = ReleaseName::parse(text);
    if (name) names.push_back(std::move(name).value());
  }
  std::sort(names.begin(), names.end(), [](const ReleaseName& left, const ReleaseName& right) {
    const int age = compare_age(left, right);
    return age != 0 ? age < 0 : left.text < right.text;
  });
  return names;
}

Result<Verified<std::string>> ReleaseChannel::manifest(const std::string& name) {
  if (!is_safe_name(name)) return Error{Errc::not_found, "that is not the name of a release"};
  CUBE_CHECK(refresh());
  auto manifest = state_->client.target(target_of_release(name), max_manifest_bytes);
  if (!manifest && manifest.error().code == Errc::not_found)
    return Error{Errc::not_found, "repository " + state_->url + ": release " + name +
                                      " is not offered by the repository"};
  if (!manifest) return not_believed(std::move(manifest).error(), state_->url);
  return manifest;
}

Result<Verified<std::string>> ReleaseChannel::document(const std::string& role,
                                                       const std::string& path,
                                                       std::size_t max_bytes) {
  CUBE_CHECK(refresh());
  auto text = state_->client.target_of(role, path, max_bytes);
  if (!text && text.error().code == Errc::not_found)
    return Error{Errc::not_found, "repository " + state_->url + ": it has no " + path};
  if (!text) return not_believed(std::move(text).error(), state_->url);
  return text;
}

Result<Verified<Release>> ReleaseChannel::release(const std::string& name) {
  CUBE_TRY(const auto signed_bytes, manifest(name));
  return read_release(signed_bytes, name);
}

Result<Verified<Release>> ReleaseChannel::read_release(const Verified<std::string>& manifest,
                                                       const std::string& name) const {
  return manifest.parsed_by([&](const std::string& text) -> Result<Release> {
    auto release = parse_manifest(text);
    if (release && release->name.text != name)
      release = Error{Errc::corrupt, "its manifest names another release"};
    else if (!release)
      release = std::move(release).error().in("its manifest");
    if (!release)
      return not_believed(std::move(release).error().in("release " + name), state_->url);
    return release;
  });
}

Result<std::vector<Signing>> ReleaseChannel::signings() {
  CUBE_CHECK(refresh());
  return state_->client.signings();
}

const std::vector<std::string>& ReleaseChannel::stale() const {
  return state_->client.stale();
}

Result<std::vector<std::string>> ReleaseChannel::pack_urls(const Release& release) {
  CUBE_CHECK(refresh());
  std::vector<std::string> urls;
  for (const auto& pack : release.packs) {
    const auto place = state_->client.place("releases/" + release.name.text + "/" + pack.file);
    if (!place && place.error().code != Errc::not_found)
      return not_believed(place.error(), state_->url);
    urls.push_back(place ? state_->url + "/" + *place : "");
  }
  return urls;
}

Result<std::string> ReleaseChannel::manifest_url(const std::string& name) {
  CUBE_CHECK(refresh());
  const auto place = state_->client.place(target_of_release(name));
  if (!place) return not_believed(place.error(), state_->url);
  return state_->url + "/" + *place;
}

const std::string& ReleaseChannel::url() const {
  return state_->url;
}

std::string ReleaseChannel::object_url() const {
  return state_->url + "/repo";
}

}  // namespace cube
