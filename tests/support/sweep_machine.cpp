#include "tests/support/sweep_machine.h"

#include <algorithm>
#include <utility>

namespace cube {

// The machine has died of what its own program did.
struct Died {};

// The ports over one SweepMachine. Every effect is an instant before it; effects that are not one
// write have instants inside.
struct SweepPorts final : BootControl,
                          SlotStore,
                          ReleaseSource,
                          StartGate,
                          HealthGate,
                          UpdateHooks,
                          Sessions,
                          PostMortem,
                          Foresight,
                          Rebooter,
                          RunningBoot,
                          Clock,
                          JournalStore,
                          BootWatchdog,
                          DeliberateFailure {
  explicit SweepPorts(SweepMachine& machine) : m(machine) {}
  SweepMachine& m;
  std::optional<std::string> verified_content;

  void instant() const {
    m.check_promises();
    m.power_.instant();
  }
  static void demand(bool holds, const char* promise) {
    if (!holds) throw Violation{promise};
  }

  // BootControl
  [[nodiscard]] Result<BootState> state() const override {
    return BootState{m.disk_.fallback, m.disk_.trial, m.disk_.offered};
  }
  Status arm(SlotId slot, int tries) override {
    demand(!closed(), "no trial begins while the window is closed");
    demand(m.scenario_.rehearsal != Rehearsal::none ||
               m.disk_.looked_at == m.new_release_.get().manifest_sha256,
           "no trial begins that nobody looked ahead to");
    demand(slot != m.disk_.fallback && tries >= 1 && tries <= 9, "arm is called legally");
    instant();
    const int done = m.disk_.trial && m.disk_.trial->slot == slot ? m.disk_.trial->tries_done : 0;
    m.disk_.trial = Trial{slot, tries, done};
    m.disk_.offered = true;
    return ok();
  }
  Status bless(SlotId slot) override {
    demand(slot == m.booted_ && (m.healthy_in_this_boot_ || slot == m.disk_.fallback),
           "promise 4: only the booted slot, healthy in this boot, becomes the fallback");
    instant();
    m.disk_.fallback = slot;
    if (m.scenario_.loader == LoaderKind::systemd_boot) {
      instant();  // default entry first, counter after it
    }
    m.disk_.trial.reset();
    m.disk_.offered = false;
    return ok();
  }
  Status reject(SlotId slot) override {
    demand(slot != m.disk_.fallback, "reject is called legally");
    instant();
    m.disk_.offered = false;
    if (m.scenario_.loader == LoaderKind::systemd_boot) instant();
    m.disk_.trial.reset();
    return ok();
  }

  // SlotStore
  [[nodiscard]] Result<SlotId> booted() const override { return m.booted_; }
  [[nodiscard]] Result<std::optional<Seal>> seal_of(SlotId slot) const override {
    return m.disk_.at(slot).seal;
  }
  void demand_writable(SlotId slot) const {
    demand(slot != m.booted_, "promise 1: the booted slot is never written");
    demand(slot != m.disk_.fallback, "promise 2: the fallback is never written");
    demand(!m.disk_.offered, "promise 2: an offered slot is never written");
  }
  Status stage(SlotId, const Release& release, const ObjectSource&, const ProgressSink&) override {
    if (m.source_gone_) return Error{Errc::unreachable, "gone"};
    instant();
    m.disk_.staged.clear();
    instant();  // torn
    m.disk_.staged = release.manifest_sha256;
    return ok();
  }
  Status unseal(SlotId slot) override {
    demand_writable(slot);
    instant();
    m.disk_.at(slot).seal.reset();
    return ok();
  }
  Status fill(SlotId slot, const Release& release, const ObjectSource&,
              const ProgressSink&) override {
    demand_writable(slot);
    demand(!m.disk_.at(slot).seal, "a sealed slot is not written");
    if (m.source_gone_ && m.disk_.staged != release.manifest_sha256)
      return Error{Errc::unreachable, "gone, and not in staging"};
    verified_content.reset();
    instant();
    m.disk_.at(slot).release.clear();
    instant();  // torn
    m.disk_.at(slot).release = release.manifest_sha256;
    return ok();
  }
  Status verify(SlotId slot, const Release& release, const ProgressSink&) override {
    instant();
    if (m.disk_.at(slot).release != release.manifest_sha256) return Error{Errc::corrupt, "torn"};
    verified_content = release.manifest_sha256;
    return ok();
  }
  Status verify_after_use(SlotId slot, const Release& release,
                          const ProgressSink& progress) override {
    return verify(slot, release, progress);
  }
  Status carry_over(SlotId slot, const Release&) override {
    demand(slot != m.booted_, "promise 1: the booted slot is never written");
    demand(m.disk_.at(slot).seal.has_value(), "state goes into a sealed slot");
    instant();
    return ok();
  }
  Status seal(SlotId slot, const Release& release, std::uint64_t attempt) override {
    demand_writable(slot);
    demand(verified_content == release.manifest_sha256,
           "promise 3: only verified content is sealed");
    instant();
    m.disk_.at(slot).seal =
        Seal{release.name.text, release.manifest_sha256, release.commit, release.epoch, attempt};
    return ok();
  }

  // ReleaseSource
  Result<Verified<Release>> fetch(const Update& update, const ProgressSink&) override {
    instant();
    if (m.source_gone_ && m.disk_.kept_manifest != update.release.manifest_sha256)
      return Error{Errc::unreachable, "gone, and not kept"};
    return m.new_release_;
  }
  Status keep(const Update& update) override {
    instant();
    m.disk_.kept_manifest = update.release.manifest_sha256;
    return ok();
  }
  [[nodiscard]] ObjectSource objects(const Update&) const override { return {}; }
  Status drop_all_but(const Update* update) override {
    if (update != nullptr || (m.disk_.staged.empty() && m.disk_.kept_manifest.empty())) return ok();
    instant();
    m.disk_.staged.clear();
    instant();
    m.disk_.kept_manifest.clear();
    return ok();
  }

  // HealthGate. "old" fails in every boot of a machine that was not well before the update.
  Result<Verdict> check(const HealthQuestion& question) override {
    instant();
    const bool before = question.most_retries == 1;
    demand(before == !m.trial_boot_, "health is asked before the trial, and in it");
    const auto& known = question.failed_before;
    const bool excused = std::find(known.begin(), known.end(), "old") != known.end();
    if (m.trial_boot_) demand(m.migrations_left() == 0, "migrations come before the health gate");
    Check service{"service", !m.trial_boot_ || m.scenario_.fate == Fate::good, ""};
    Check old{"old", !m.scenario_.sick_before, ""};
    old.failed_before = excused;
    const bool well = service.passed && (old.passed || excused);
    m.healthy_in_this_boot_ = well;
    return Verdict{well, {service, old}};
  }
  Status keep(std::uint64_t, const Verdict&) override {
    instant();
    return ok();
  }

  // UpdateHooks
  [[nodiscard]] Result<std::string> next_migration(const std::string& done) const override {
    if (!m.scenario_.migrates) return std::string();
    return std::string(done.empty() ? "1" : done == "1" ? "2" : "");
  }
  Status migrate(const std::string& name, const Update&, Seconds) override {
    demand(m.trial_boot_, "migrations run in the trial");
    demand(name == "1" || m.disk_.migrated >= 1, "migrations run in order");
    instant();
    if (m.scenario_.fate == Fate::cannot_migrate && name == "2")
      return Error{Errc::refused, "migrate.d/2: no"};
    m.disk_.migrated = std::max(m.disk_.migrated, name == "1" ? 1 : 2);
    if (name == "2") ++m.last_migrations_;
    instant();  // it ended well, and nobody has noted it
    return ok();
  }
  Status before_restart(const Update&) override {
    demand(!m.disk_.offered, "the restart is asked for before the loader is");
    instant();
    if (!m.scenario_.holds_first || m.disk_.asked_to_restart++ > 0) return ok();
    return Error{Errc::refused, "pre-reboot.d/1: not now"};
  }
  Status after(const Attempt& attempt, bool on_trial) override {
    demand(on_trial == m.trial_boot_ || m.booted_ == m.disk_.fallback, "hooks know where they run");
    instant();
    if (on_trial) return ok();
    demand(m.disk_.journal.history.back().number == attempt.number, "the hooks are of the last");
    (attempt.outcome == Outcome::committed ? m.disk_.green : m.disk_.red) = true;
    instant();
    return ok();
  }

  // Foresight
  Result<insight::Findings> look_ahead(SlotId slot, const Release& release,
                                       const ProgressSink&) override {
    demand(slot != m.booted_, "looks ahead into the slot that is not booted");
    demand(m.disk_.at(slot).release == release.manifest_sha256, "looks ahead into a whole slot");
    instant();
    m.disk_.looked_at = release.manifest_sha256;
    if (m.scenario_.fate != Fate::foreseen) return insight::Findings{};
    return insight::Findings{{"root-driver", "x", insight::Grade::refusal, "no driver", "", ""}};
  }
  Status keep(std::uint64_t, const insight::Findings&) override {
    instant();
    return ok();
  }
  [[nodiscard]] bool only_tells() const override { return false; }

  // Sessions
  [[nodiscard]] Seconds warn(const Update&) override { return 0; }

  // StartGate
  [[nodiscard]] Result<std::string> holds_back(const Update&, UnixSeconds) const override {
    return std::string(closed() ? "waits" : "");
  }
  [[nodiscard]] bool closed() const { return m.scenario_.in_window && m.now_ < m.opens_; }

  // PostMortem
  [[nodiscard]] Result<Evidence> look() const override {
    if (!m.disk_.panic_record) return Evidence{};
    return Evidence{Cause::panic, "Kernel panic - not syncing: VFS"};
  }
  Status keep(std::uint64_t) override {
    instant();
    m.disk_.panic_record = false;
    return ok();
  }
  Status set_aside() override {
    instant();
    m.disk_.panic_record = false;
    return ok();
  }

  // Rebooter
  Status reboot() override {
    instant();
    return ok();
  }

  // RunningBoot, Clock
  [[nodiscard]] Result<BootFacts> facts() const override {
    return BootFacts{"boot-" + std::to_string(m.boots_), m.trial_boot_, StartedBy::unknown};
  }
  [[nodiscard]] UnixSeconds now() const override { return m.now_; }
  [[nodiscard]] Seconds uptime() const override { return 30; }

  // JournalStore
  [[nodiscard]] Result<Journal> load() const override { return m.disk_.journal; }
  Status save(const Journal& journal) override {
    instant();
    m.disk_.journal = journal;
    if (std::holds_alternative<Fetched>(journal.phase)) m.source_gone_ = true;
    return ok();
  }

  // BootWatchdog
  [[nodiscard]] Status demand() override { return ok(); }
  Status start(std::uint64_t attempt) override {
    if (!m.scenario_.has_bmc) return ok();
    demand(m.booted_ != m.disk_.trial->slot, "the watchdog is started before the trial");
    instant();
    m.disk_.bmc = {attempt, false, false, m.disk_.bmc.power_came_back};
    instant();
    m.disk_.bmc.running = true;
    return ok();
  }
  Status hold(Seconds) override { return ok(); }
  Status stop() override {
    if (m.disk_.bmc.attempt == 0) return ok();
    instant();
    m.disk_.bmc.running = false;
    return ok();
  }
  [[nodiscard]] Evidence evidence(std::uint64_t attempt) const override {
    const bool seen = m.disk_.bmc.attempt == attempt && m.disk_.bmc.expired;
    return seen ? Evidence{Cause::watchdog, "the watchdog reset the machine"} : Evidence{};
  }
  [[nodiscard]] bool power_was_lost(std::uint64_t attempt) const override {
    return m.disk_.bmc.attempt == attempt && m.disk_.bmc.power_came_back;
  }
  Status forget() override {
    demand(!m.disk_.bmc.running, "a watchdog that runs is not forgotten");
    if (m.disk_.bmc.attempt != 0) instant();
    m.disk_.bmc = {0, false, false, m.disk_.bmc.power_came_back};
    return ok();
  }
  Status tell_rollback(std::uint64_t attempt) override {
    demand(m.scenario_.rehearsal == Rehearsal::none, "nobody is told of a rollback by a rehearsal");
    demand(m.disk_.journal.history.back().number == attempt, "the rollback told is the last");
    return ok();
  }

  // DeliberateFailure
  Status make(Rehearsal how) override {
    demand(m.trial_boot_ && how == m.scenario_.rehearsal, "only a trial fails on purpose, as asked");
    instant();
    throw Died{};
  }
};

SweepMachine::SweepMachine(Scenario scenario, const Verified<Release>& old_release,
                           const Verified<Release>& new_release, std::vector<int> cuts)
    : scenario_(scenario),
      old_release_(old_release),
      new_release_(new_release),
      power_(std::move(cuts)) {
  const Release& old = old_release.get();
  disk_.a = {old.manifest_sha256,
             Seal{old.name.text, old.manifest_sha256, old.commit, old.epoch, 0}};
  if (scenario.fetches_first) disk_.b = disk_.a;
  const Release& later = new_release.get();
  if (scenario.rehearsal != Rehearsal::none)
    disk_.b = {later.manifest_sha256,
               Seal{later.name.text, later.manifest_sha256, later.commit, later.epoch, 1}};
}

void SweepMachine::check_promises() const {
  auto& disk = const_cast<SweepMachine*>(this)->disk_;
  const auto demand = [](bool holds, const char* promise) {
    if (!holds) throw Violation{promise};
  };
  const SlotContent& fallback = disk.at(disk.fallback);
  demand(fallback.seal && fallback.seal->manifest_sha256 == fallback.release,
         "promise 2: the fallback is sealed and whole");
  if (disk.offered) {
    const SlotContent& target = disk.at(disk.trial->slot);
    demand(disk.trial->slot != disk.fallback, "the offered slot is not the fallback");
    demand(target.seal && target.seal->manifest_sha256 == target.release,
           "promise 3: only a verified slot is offered");
  }
  const Phase& phase = disk.journal.phase;
  const bool downloads =
      std::holds_alternative<Fetching>(phase) || std::holds_alternative<Fetched>(phase);
  if (scenario_.fetches_first && downloads)
    demand(disk.b.seal && disk.b.seal->manifest_sha256 == disk.b.release,
           "a download leaves the other slot's release as it is");
  if (std::holds_alternative<Fetched>(phase))
    demand(disk.staged == update_of(phase)->release.manifest_sha256,
           "promise 10: what is called downloaded is there");
  if (disk.fallback == SlotId::b)
    demand(scenario_.fate == Fate::good, "promise 4: only a healthy release becomes the fallback");
  if (scenario_.rehearsal != Rehearsal::none) {
    demand(disk.fallback == SlotId::a, "a rehearsal is never committed");
    demand(disk.b.seal && disk.b.seal->manifest_sha256 == disk.b.release,
           "a rehearsal leaves the other slot's release as it is");
  }
  auto& highest = const_cast<SweepMachine*>(this)->highest_floor_;
  const Floor& floor = disk.journal.floor;
  demand(floor.epoch >= highest.epoch && (highest.release.empty() || !floor.release.empty()),
         "promise 8: the floor never sinks");
  if (floor.release == new_release_.get().name.text)
    demand(disk.fallback == SlotId::b, "promise 8: the floor rises only after the commit");
  highest = floor;
}

int SweepMachine::migrations_left() const {
  return scenario_.migrates ? 2 - disk_.migrated : 0;
}

void SweepMachine::boot() {
  ++boots_;
  now_ += 20;
  healthy_in_this_boot_ = false;
  trial_boot_ = false;
  booted_ = disk_.fallback;
  check_promises();
  power_.instant();
  if (!disk_.offered || !disk_.trial || disk_.trial->tries_left < 1) return;
  disk_.offered = false;
  if (scenario_.loader == LoaderKind::systemd_boot) power_.instant();  // one-shot, then the counter
  disk_.trial->tries_left -= 1;
  disk_.trial->tries_done += 1;
  ++trial_starts_;
  check_promises();
  power_.instant();
  booted_ = disk_.trial->slot;
  trial_boot_ = true;
}

bool SweepMachine::run_agent(Wish wish) {
  SweepPorts ports(*this);
  Machine machine{ports, ports, ports, ports, ports, ports, ports, ports,
                  ports, ports, ports, ports, ports, ports, ports};
  Run run;
  run.wish = wish;
  if (wish == Wish::apply || wish == Wish::fetch) {
    Update update;
    update.release = new_release_.get();
    update.from_release = old_release_.get().name.text;
    update.tries = scenario_.tries;
    if (scenario_.in_window) update.start = Start::in_window;
    update.rehearsal = scenario_.rehearsal;
    update.returning = scenario_.rehearsal != Rehearsal::none;
    run.candidate = update;
  }
  auto report = Updater(machine).run(run);
  if (!report) throw Violation{"the updater works: " + report.error().what};
  return report->rebooting;
}

// A watchdog or somebody resets it.
void SweepMachine::hang() {
  power_.instant();
  now_ += scenario_.reset_late ? 1'000'000 : 0;
  disk_.bmc.expired = disk_.bmc.expired || disk_.bmc.running;
  disk_.bmc.running = false;
}

void SweepMachine::panic() {
  power_.instant();
  disk_.panic_record = scenario_.leaves_evidence;
}

bool SweepMachine::live() {
  const bool hangs = scenario_.fate == Fate::hangs, panics = scenario_.fate == Fate::panics;
  if (trial_boot_ && hangs) hang();
  if (trial_boot_ && panics) panic();
  if (trial_boot_ && (hangs || panics)) return true;
  try {
    return work();
  } catch (const Died&) {
    scenario_.rehearsal == Rehearsal::hang ? hang() : panic();
    return true;
  }
}

bool SweepMachine::work() {
  if (run_agent(Wish::resume)) return true;
  if (run_agent(Wish::commit)) return true;
  const Phase& phase = disk_.journal.phase;
  const bool waits_for_operator =
      std::holds_alternative<Idle>(phase) ? disk_.journal.history.empty() : booted_ == SlotId::a;
  if (waits_for_operator && scenario_.fetches_first && !source_gone_) run_agent(Wish::fetch);
  if (waits_for_operator && run_agent(Wish::apply)) return true;
  now_ += scenario_.in_window ? 60 : 0;  // until the timer's next turn
  return false;
}

void SweepMachine::play() {
  bool restart = true;
  const auto at_rest = [this] {
    return !disk_.journal.history.empty() && disk_.journal.hooks_due == 0;
  };
  for (int lives = 0; restart || !at_rest(); ++lives) {
    if (lives > 40) throw Violation{"the machine comes to rest"};
    try {
      if (restart) boot();
      restart = live();
      disk_.bmc.power_came_back = disk_.bmc.power_came_back && !restart;
    } catch (const PowerCut&) {
      restart = true;
      now_ += scenario_.long_outages ? 1'000'000 : 0;
      disk_.bmc.power_came_back = scenario_.has_bmc;
    }
    check_promises();
  }
  SweepPorts::demand(disk_.staged.empty() && disk_.kept_manifest.empty(),
                     "what was downloaded ahead is cleared away");
  SweepPorts::demand(!disk_.bmc.running && disk_.bmc.attempt == 0,
                     "no watchdog runs on a machine at rest");
  const auto& last = disk_.journal.history.back();
  SweepPorts::demand(disk_.journal.hooks_due == 0, "hooks have run when the machine is at rest");
  SweepPorts::demand(disk_.green == (last.outcome == Outcome::committed),
                     "green hooks run after a commit, and only then");
  // Of what was given up before any hook was asked they need not hear.
  const bool unheard = last.why.cause == Cause::foreseen ||
                       (scenario_.rehearsal != Rehearsal::none && last.outcome == Outcome::abandoned);
  SweepPorts::demand(unheard || disk_.red == (last.outcome != Outcome::committed),
                     "red hooks run after a rollback, and only then");
}

}  // namespace cube
