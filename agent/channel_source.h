// ChannelSource: the updater's ReleaseSource over the release channel of a repository.
#pragma once

#include <optional>
#include <string>

#include "agent/release_source.h"
#include "base/clock.h"
#include "base/root_dir.h"
#include "keys/release_channel.h"

namespace cube {

class ChannelSource final : public ReleaseSource {
 public:
  // `root` and `clock` outlive it. `config.url` is what the configuration or `--from` says.
  ChannelSource(const RootDir& root, const Clock& clock, ChannelConfig config)
      : root_(root), clock_(clock), config_(std::move(config)) {}

  // The channel of the configured repository, opened once. Errors: as ReleaseChannel::open(),
  // invalid (no repository configured).
  Result<ReleaseChannel*> channel();

  [[nodiscard]] const std::string& url() const { return config_.url; }

  // The repository of `update` may be another one than the configured.
  Result<Verified<Release>> fetch(const Update& update, const ProgressSink& progress) override;
  // For channels that are opened later: a time that is certainly past; an operator's wish to
  // believe what has expired; and that nothing is to be persisted.
  void set_not_before(UnixSeconds time) { config_.not_before = time; }
  void accept_stale() { config_.accept_stale = true; }
  void only_look() { config_.remember = false; }
  [[nodiscard]] ObjectSource objects(const Update&) const override { return objects_; }

 private:
  const RootDir& root_;
  const Clock& clock_;
  ChannelConfig config_;
  std::optional<ReleaseChannel> channel_;
  ObjectSource objects_;  // of the release that was fetched last
};

}  // namespace cube
