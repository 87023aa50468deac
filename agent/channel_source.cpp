#include "agent/channel_source.h"

#include "base/digest.h"
#include "base/handed_folder.h"
#include "base/log.h"
#include "base/mutation.h"

namespace cube {

Result<ReleaseChannel*> ChannelSource::channel() {
  if (channel_) return &*channel_;
  if (config_.url.empty())
    return Error{
        Errc::invalid,
        "no source of releases: set source.url in /etc/cube-update/config.d, or use --from"};
  CUBE_CHECK(find_mirrors());
  CUBE_TRY(auto channel, ReleaseChannel::open(root_, clock_, config_));
  channel_ = std::move(channel);
  return &*channel_;
}

// Those of the configured repository: a stick, or another repository, has none.
Status ChannelSource::find_mirrors() {
  config_.mirrors.reset();
  std::string source = mirrors_.of;
  while (source.ends_with('/')) source.pop_back();
  if (mirrors_.urls.empty() || config_.url != mirrors_.of || !source.starts_with("http"))
    return ok();
  HttpConfig http = config_.http;
  http.allow_http = mirrors_.allow_http;
  auto found = Mirrors::make(std::move(source), mirrors_.urls, http);
  if (!found)
    return Error{Errc::invalid, "source.mirrors: " + found.error().what +
                                    (mirrors_.allow_http ? "" : " (source.mirrors-allow-http)")};
  config_.mirrors = std::move(*found);
  return ok();
}

Result<Verified<Release>> ChannelSource::fetch(const Update& update, const ProgressSink& progress) {
  CUBE_CHECK(progress.go_on());
  // Under the same number this process may have another folder open.
  const bool closed = is_handed_over(update.source) && update.source != config_.url &&
                      !mutated("closed-folder-asked");
  if (update.source != config_.url) {
    channel_.reset();
    config_.url = update.source;
  }
  out_of_reach_.clear();
  auto release = closed ? Result<Verified<Release>>(
                              Error{Errc::unreachable,
                                    "its repository was handed over as an open folder, which is "
                                    "closed; hand it over again, or use --from"})
                        : ask(update);
  if (release) {
    auto shared = share_release(release->get(), progress);
    if (!shared && shared.error().code == Errc::cancelled) return std::move(shared).error();
    if (!shared) log(Level::warning, "not shared with others: " + shared.error().what);
  }
  if (release || release.error().code != Errc::unreachable) return release;
  auto known = read_back(update);
  if (known)
    out_of_reach_ = release.error().what;
  else if (known.error().code != Errc::not_found)
    release.error().what += "; and what was downloaded is not believed: " + known.error().what;
  return known ? std::move(known) : std::move(release);
}

Result<Verified<Release>> ChannelSource::ask(const Update& update) {
  CUBE_TRY(auto* from, channel());
  const auto& name = update.release.name.text;
  auto offered = from->manifest(name);
  if (!offered && offered.error().code == Errc::not_found)
    return Error{Errc::unsuitable, std::move(offered).error().what};
  CUBE_TRY(const auto manifest, std::move(offered));
  CUBE_TRY(auto release, from->read_release(manifest, name));
  CUBE_CHECK(find_objects(*from, release.get()));
  manifest_ = manifest.get();
  return release;
}

Status ChannelSource::find_objects(ReleaseChannel& channel, const Release& release) {
  CUBE_TRY(auto packs, channel.pack_urls(release));
  objects_ = {channel.object_url(),         config_.http, std::move(packs),
              staging_.objects_of(release), staging_max_, config_.mirrors};
  return ok();
}

ObjectSource ChannelSource::single_objects(const ReleaseChannel& channel) const {
  return {channel.object_url(), config_.http, {}, "", 0, config_.mirrors};
}

Result<Verified<Release>> ChannelSource::read_back(const Update& update) {
  CUBE_TRY(auto manifest, staging_.manifest_of(update.release));
  if (!config_.mirrors) CUBE_CHECK(find_mirrors());
  CUBE_TRY(auto known, ReleaseChannel::open_known(root_, clock_, config_, std::move(manifest)));
  auto release = known.release(update.release.name.text);
  if (!release && release.error().code == Errc::not_found) release.error().code = Errc::unsuitable;
  if (release) CUBE_CHECK(find_objects(known, release->get()));
  return release;
}

Status ChannelSource::share_release(const Release& release, const ProgressSink& progress) {
  if (!share_) return ok();
  CUBE_TRY(const auto manifest_url, channel_->manifest_url(release.name.text));
  return share_->bring(release, objects_, channel_->url(), manifest_url, manifest_, progress);
}

void ChannelSource::share_metadata() {
  const auto shared = share_ ? share_->bring_metadata() : ok();
  if (!shared && shared.error().code != Errc::not_found)
    log(Level::warning, "metadata not shared with others: " + shared.error().what);
}

Status ChannelSource::keep(const Update& update) {
  if (to_hex(sha256(manifest_)) != update.release.manifest_sha256)
    return Error{Errc::bug, update.release.name.text + ": is kept before it was fetched"};
  return staging_.keep_manifest(update.release, manifest_);
}

Status ChannelSource::drop_all_but(const Update* update) {
  return staging_.drop_all_but(update != nullptr ? &update->release : nullptr);
}

}  // namespace cube
