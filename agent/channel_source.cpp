#include "agent/channel_source.h"

namespace cube {

Result<ReleaseChannel*> ChannelSource::channel() {
  if (channel_) return &*channel_;
  if (config_.url.empty())
    return Error{
        Errc::invalid,
        "no source of releases: set source.url in /etc/cube-update/config.d, or use --from"};
  CUBE_TRY(auto channel, ReleaseChannel::open(root_, clock_, config_));
  channel_ = std::move(channel);
  return &*channel_;
}

Result<Verified<Release>> ChannelSource::fetch(const Update& update, const ProgressSink& progress) {
  if (update.source != config_.url) {
    channel_.reset();
    config_.url = update.source;
  }
  progress({"fetch", 0, 1, "files"});
  CUBE_TRY(auto* from, channel());
  auto release = from->release(update.release.name.text);
  if (!release) return release;
  CUBE_TRY(auto packs, from->pack_urls(release->get()));
  objects_ = {from->object_url(), config_.http, std::move(packs)};
  progress({"fetch", 1, 1, "files"});
  return release;
}

}  // namespace cube
