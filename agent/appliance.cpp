#include "agent/appliance.h"

#include "agent/drift/drift_checks.h"
#include "agent/fleet/fleet_gate.h"
#include "agent/fleet/lock_gate.h"
#include "agent/fleet/lock_part.h"
#include "agent/fleet/plan_facts.h"
#include "agent/fleet/planned_start.h"
#include "agent/health/local_health_gate.h"
#include "agent/hooks/local_update_hooks.h"
#include "agent/power/system_rebooter.h"
#include "agent/power/terminals.h"
#include "agent/rooted_running_boot.h"
#include "agent/slot_kernel_source.h"
#include "boot/postmortem/pstore_post_mortem.h"
#include "boot/postmortem/records.h"
#include "boot/watchdog/ipmi_watchdog.h"
#include "model/policy.h"
#include "slots/ostree/ostree_slot_store.h"

namespace cube {
namespace {

constexpr std::uint64_t kib = 1024, mib = 1024 * kib;

ChannelConfig channel_config(const Config& config, const std::string& source) {
  ChannelConfig channel;
  channel.url = source.empty() ? config.source_url : source;
  channel.http.allow_http = config.source_allow_http;
  channel.http.ca_file = config.source_ca_file;
  channel.http.client_certificate = config.source_client_certificate;
  channel.http.client_key = config.source_client_key;
  channel.http.proxy = config.source_proxy;
  channel.http.max_bytes_per_second = static_cast<std::uint64_t>(config.source_max_rate) * kib;
  return channel;
}

SlotsConfig slots_config(const Config& config) {
  return {config.slot_a, config.slot_b, config.carry_over, config.merge_etc,
          config.etc_conflicts == "local" ? EtcSide::local : EtcSide::release};
}

Result<std::string> marks_of_other_slot(const OstreeSlotStore& slots) {
  CUBE_TRY(const auto booted, slots.booted());
  CUBE_TRY(const auto mounted, slots.look_into(other(booted)));
  auto marks = read_record(mounted.tree(), marks_file, max_marks_bytes, Keep::end);
  if (!marks && marks.error().code == Errc::not_found) return std::string();
  return marks;
}

WatchdogConfig watchdog_config(const Config& config) {
  WatchdogConfig watchdog;
  watchdog.seconds = config.watchdog_boot_seconds;
  if (config.watchdog_policy == "off") watchdog.policy = WatchdogPolicy::off;
  if (config.watchdog_policy == "required") watchdog.policy = WatchdogPolicy::required;
  return watchdog;
}

HealthConfig health_config(const Config& config) {
  HealthConfig health;
  health.timeout = std::chrono::seconds(config.health_timeout);
  health.ignore_units = config.health_ignore_units;
  health.required_units = config.health_required_units;
  health.wanted_units = config.health_wanted_units;
  health.boot_complete = config.health_boot_complete;
  health.retries = config.health_retries;
  health.retry_interval = std::chrono::seconds(config.health_retry_interval);
  health.within = std::chrono::seconds(config.trial_deadline);
  return health;
}

// Nothing begins, and why.
class ShutGate final : public StartGate {
 public:
  explicit ShutGate(Error why) : why_(std::move(why)) {}
  [[nodiscard]] Result<std::string> holds_back(const Update&, UnixSeconds) const override {
    return why_;
  }

 private:
  Error why_;
};

}  // namespace

Appliance::Appliance(RootDir root, LoadedConfig config)
    : root_(std::move(root)),
      config_(std::move(config)),
      clock_(root_),
      journal_(root_, state_folder),
      cluster_(std::unique_ptr<fleet::ClusterPart>()),
      bmc_(root_) {}

Appliance::~Appliance() = default;

Result<std::unique_ptr<Appliance>> Appliance::open(const std::string& root_path,
                                                   const std::string& source) {
  CUBE_TRY(auto root, RootDir::open(root_path));
  CUBE_TRY(auto loaded, load_config(root));
  std::unique_ptr<Appliance> a(new Appliance(std::move(root), std::move(loaded)));
  const Config& config = a->config_.config;
  const bool real = a->root_.path() == "/";
  a->slots_ = std::make_unique<OstreeSlotStore>(a->root_, slots_config(config));
  a->kernels_ = std::make_unique<SlotKernelSource>(*a->slots_);
  a->boot_ = choose_loader(a->root_, config, *a->kernels_);
  a->source_ = std::make_unique<ChannelSource>(
      a->root_, a->clock_, channel_config(config, source),
      StagingConfig{config.source_staging,
                    static_cast<std::uint64_t>(config.source_staging_max) * mib},
      MirrorConfig{config.source_url, config.source_mirrors, config.source_mirrors_allow_http});
  if (!config.share_folder.empty()) a->share_with_others();
  a->schedule_ = std::make_unique<Schedule>(a->root_, config);
  if (config.fleet_plan)
    a->planned_ = std::make_unique<fleet::PlannedStart>(
        *a->schedule_, *a->schedule_, a->root_, [&a = *a]() -> Result<fleet::NodeFacts> {
          CUBE_TRY(const auto journal, a.journal_.load());
          CUBE_TRY(const auto running, a.running_release());
          return fleet::facts_of_node(a.root_, a.config_.config, journal, running);
        });
  a->look_ahead_by(config);
  HealthConfig health = health_config(config);
  if (config.health_drift != "off")
    health.drift = [&a = *a](const std::atomic<bool>& stop) {
      return drift_check(a.root_, *a.slots_, stop);
    };
  a->health_ = std::make_unique<LocalHealthGate>(a->root_, std::move(health), verdicts_folder);
  a->hooks_ = std::make_unique<LocalUpdateHooks>(
      a->root_,
      HooksConfig{std::chrono::seconds(config.hooks_timeout),
                  std::chrono::seconds(config.hooks_migration_timeout)},
      [&slots = *a->slots_](SlotId slot) { return slots.look_into(slot); });
  a->sessions_ = std::make_unique<LocalSessions>(a->root_, config.schedule_warn_minutes);
  a->post_mortem_ = std::make_unique<PstorePostMortem>(
      a->root_, state_folder, [&slots = *a->slots_] { return marks_of_other_slot(slots); });
  if (real)
    a->rebooter_ = std::make_unique<SystemRebooter>();
  else
    a->rebooter_ = std::make_unique<ScratchRebooter>(a->root_);
  if (real)
    a->failure_ = std::make_unique<SystemFailure>();
  else
    a->failure_ = std::make_unique<ScratchFailure>(a->root_);
  a->running_ = std::make_unique<RootedRunningBoot>(a->root_);
  StartGate& alone = a->planned_ ? *a->planned_ : *a->schedule_;
  if (!config.fleet_lock_url.empty())
    a->take_turns(alone);
  else if (!config.fleet_cluster.empty())
    a->join_cluster(alone);
  a->watchdog_ =
      std::make_unique<IpmiWatchdog>(a->root_, state_folder, a->bmc_, watchdog_config(config));
  a->machine_ = std::make_unique<Machine>(
      Machine{*a->boot_.control, *a->slots_, *a->source_, a->cluster_gate_ ? *a->cluster_gate_ : alone,
              *a->foresight_, *a->health_,
              *a->hooks_, *a->sessions_, *a->post_mortem_, *a->rebooter_, *a->running_, a->clock_, a->journal_,
              *a->watchdog_, *a->failure_});
  return a;
}

void Appliance::share_with_others() {
  const Config& config = config_.config;
  ShareConfig share;
  share.folder = config.share_folder;
  share.max_bytes = static_cast<std::uint64_t>(config.share_max_size) * mib;
  share.releases = static_cast<std::size_t>(config.share_keep_releases);
  const auto commits_here = [&slots = *slots_] {
    std::vector<std::string> commits;
    for (const auto slot : {SlotId::a, SlotId::b})
      if (const auto seal = slots.seal_of(slot); seal && *seal) commits.push_back((*seal)->commit);
    return commits;
  };
  source_->share(std::make_unique<ReleaseShare>(root_, std::move(share), commits_here));
}

// Whatever is wrong with it only keeps new trials from beginning.
void Appliance::join_cluster(StartGate& alone) {
  const auto facts = running_->facts();
  cluster_ = facts ? fleet::ClusterPart::open(root_, config_.config, clock_, facts->boot_id)
                   : Result<std::unique_ptr<fleet::ClusterPart>>(facts.error());
  if (!cluster_) {
    cluster_gate_ = std::make_unique<ShutGate>(cluster_.error());
    return;
  }
  fleet::ClusterPart& part = **cluster_;
  cluster_gate_ = std::make_unique<fleet::FleetGate>(
      alone, part.participant(), [&part](const Update& update) { return part.turn_of(update); });
}

void Appliance::take_turns(StartGate& alone) {
  lock_.emplace(fleet::lock_turn_of(root_, config_.config));
  if (*lock_)
    cluster_gate_ = std::make_unique<fleet::LockGate>(alone, **lock_);
  else
    cluster_gate_ = std::make_unique<ShutGate>(lock_->error());
}

Result<fleet::LockTurn*> Appliance::lock_turn() {
  if (!lock_) return nullptr;
  if (!*lock_) return lock_->error();
  return &**lock_;
}

Result<fleet::ClusterPart*> Appliance::cluster() {
  if (!cluster_) return cluster_.error();
  return cluster_->get();
}

Result<Floor> Appliance::floor(const Journal& journal) {
  CUBE_TRY(const auto booted, slots_->booted());
  const auto boot = boot_.control->state();
  const bool committed = boot && boot->fallback == booted;
  if (!committed) return journal.floor;
  CUBE_TRY(const auto seal, slots_->seal_of(booted));
  return seal ? higher(journal.floor, {seal->epoch, seal->release}) : journal.floor;
}

Result<Journal> Appliance::journal_or_new(std::string& told) {
  auto journal = journal_.load();
  if (journal || journal.error().code != Errc::corrupt) return journal;
  told =
      "the journal was damaged (" + journal.error().what +
      ") and is set aside as *.damaged; its history and its list of denied releases are gone from "
      "the agent's memory";
  CUBE_CHECK(journal_.set_damaged_aside());
  CUBE_CHECK(journal_.save(Journal{}));
  return Journal{};
}

Result<MountedSlot> Appliance::look_into(SlotId slot) const {
  return slots_->look_into(slot);
}

Result<std::string> Appliance::running_release() {
  CUBE_TRY(const auto booted, slots_->booted());
  CUBE_TRY(const auto seal, slots_->seal_of(booted));
  return seal ? seal->release : std::string();
}

}  // namespace cube
