// ChannelSource: the updater's ReleaseSource over the release channel of a repository, and over
// what was downloaded ahead from it.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "agent/release_source.h"
#include "agent/share/release_share.h"
#include "agent/staging_area.h"
#include "base/clock.h"
#include "base/root_dir.h"
#include "keys/release_channel.h"

namespace cube {

// Servers that have the same files as one repository.
struct MirrorConfig {
  std::string of;  // its URL or folder, as the configuration says
  std::vector<std::string> urls;
  bool allow_http = false;
};

struct StagingConfig {
  std::string folder = "var/lib/cube-update/staging";  // below the root
  std::uint64_t max_bytes = 0;  // of a release; 0: what the disk has to spare
};

class ChannelSource final : public ReleaseSource {
 public:
  // `root` and `clock` outlive it. `config.url` is what the configuration or `--from` says.
  ChannelSource(const RootDir& root, const Clock& clock, ChannelConfig config,
                const StagingConfig& staging, MirrorConfig mirrors = {})
      : root_(root),
        clock_(clock),
        config_(std::move(config)),
        mirrors_(std::move(mirrors)),
        staging_(root, staging.folder),
        staging_max_(staging.max_bytes) {}

  // The channel of the configured repository, opened once. Errors: as ReleaseChannel::open(),
  // invalid (no repository configured, a mirror).
  Result<ReleaseChannel*> channel();

  [[nodiscard]] const std::string& url() const { return config_.url; }
  // Why the last fetch() took what was downloaded ahead, a sentence; "" when it did not.
  [[nodiscard]] const std::string& out_of_reach() const { return out_of_reach_; }

  // The repository of `update` may be another one than the configured.
  Result<Verified<Release>> fetch(const Update& update, const ProgressSink& progress) override;
  Status keep(const Update& update) override;
  [[nodiscard]] ObjectSource objects(const Update&) const override { return objects_; }
  Status drop_all_but(const Update* update) override;
  // Where single objects of any of the channel's releases are.
  [[nodiscard]] ObjectSource single_objects(const ReleaseChannel& channel) const;

  // What is fetched from now on is kept for others, too, as far as that goes; what does not is told
  // in the log.
  void share(std::unique_ptr<ReleaseShare> share) { share_ = std::move(share); }
  // The metadata that was believed last, for others; nothing without share().
  void share_metadata();

  // For channels that are opened later: a time that is certainly past; an operator's wish to
  // believe what has expired; that nothing is to be persisted; bytes per second, 0: no limit; that
  // requests end once `stop` is true, which outlives the source.
  void set_not_before(UnixSeconds time) { config_.not_before = time; }
  void accept_stale() { config_.accept_stale = true; }
  void only_look() { config_.remember = false; }
  void stop_when(const std::atomic<bool>& stop) {
    config_.http.cancelled = [&stop] { return stop.load(std::memory_order_relaxed); };
  }
  // Requests go through the fetch service at this socket.
  void go_through(const std::string& socket) { config_.http.through = socket; }
  void limit_rate(std::uint64_t rate) { config_.http.max_bytes_per_second = rate; }

 private:
  Result<Verified<Release>> ask(const Update& update);
  Result<Verified<Release>> read_back(const Update& update);
  Status find_mirrors();
  Status share_release(const Release& release, const ProgressSink& progress);
  Status find_objects(ReleaseChannel& channel, const Release& release);

  const RootDir& root_;
  const Clock& clock_;
  ChannelConfig config_;  // its mirrors, once they were found
  MirrorConfig mirrors_;
  StagingArea staging_;
  std::uint64_t staging_max_;
  std::optional<ReleaseChannel> channel_;
  ObjectSource objects_;  // of the release that was fetched last
  std::string manifest_;  // of that
  std::string out_of_reach_;
  std::unique_ptr<ReleaseShare> share_;  // null: nothing is shared
};

}  // namespace cube
