#include "agent/bus/job_desk.h"

#include <signal.h>

#include "agent/bus/bus.h"
#include "base/log.h"
#include "base/mutation.h"

namespace cube {
namespace {

constexpr std::chrono::minutes short_job{15};
constexpr std::chrono::seconds before_again{3};
constexpr int exit_busy = 10, exit_cancelled = 130;

}  // namespace

std::vector<std::string> command_line(const DeskConfig& config, const Job& job) {
  std::vector<std::string> argv;
  if (job.method == Method::commit && config.commit_apart)
    argv = {"/usr/bin/systemd-run", "--pipe", "--wait", "--collect", "--quiet",
            "--service-type=exec",  "--"};
  argv.push_back(config.program);
  argv.insert(argv.end(), job.words.begin(), job.words.end());
  if (config.root != "/") argv.push_back("--root=" + config.root);
  if (job.asks_source()) argv.push_back("--through=" + config.fetch_socket);
  if (job.handed) argv.push_back("--from=/proc/self/fd/" + std::to_string(handed_descriptor));
  return argv;
}

JobDesk::JobDesk(Loop& loop, const RootDir& root, DeskConfig config, Listener listener)
    : loop_(loop),
      root_(root),
      config_(std::move(config)),
      listener_(std::move(listener)),
      worker_(loop),
      note_(read_note(root)) {}

Result<std::uint32_t> JobDesk::begin(const Job& job, Fd handed,
                                     std::function<void(const JobEnd&)> ended) {
  if (busy()) return Error{Errc::busy, "another job is under way; Cancel ends it"};
  note_ = {note_.number + 1, true, job.method, {}, 1};
  const bool goes_on = (job.method == Method::fetch || job.method == Method::apply) && !job.handed;
  if (goes_on) note_.words = job.words;
  CUBE_CHECK(write_note(root_, note_));
  taken_up_ = false;
  told_ = std::move(ended);
  CUBE_CHECK(run(job, std::move(handed)));
  return note_.number;
}

Status JobDesk::run(const Job& job, Fd handed) {
  current_ = {note_.number, job.method, 0, "", Json()};
  progress_ = {};
  says_ = std::string(to_string(job.method));
  stop_asked_ = false;
  Worker::Order order;
  order.argv = command_line(config_, job);
  order.handed = std::move(handed);
  if (!job.is_long()) order.limit = short_job;
  order.event = [this](const JobEvent& event) { note_event(event); };
  order.ended = [this](int code) { end(code); };
  return worker_.start(std::move(order));
}

void JobDesk::note_event(const JobEvent& event) {
  if (!event.error.empty()) current_.message = event.error;
  if (event.kind == JobEvent::Kind::result) current_.result = event.result;
  if (!event.phase.empty()) listener_.moved(event.phase);
  if (event.kind != JobEvent::Kind::progress) return;
  progress_ = event.progress;
  says_ = event.progress.stage;
  listener_.progressed();
}

void JobDesk::end(int code) {
  // The run before may not have let go of the lock yet.
  if (taken_up_ && code == exit_busy && note_.starts < max_starts && !stop_asked_) {
    waits_ = true;
    auto again = loop_.after(before_again, [this] {
      waits_ = false;
      take_up();
    });
    if (again) {
      again_ = std::move(*again);
      return;
    }
    waits_ = false;
  }
  note_.running = false;
  if (auto noted = write_note(root_, note_); !noted)
    log(Level::error, "the end of the job is not noted: " + noted.error().what);
  // Asked to stop before it could listen.
  current_.code = stop_asked_ && code == 128 + SIGTERM ? exit_cancelled : code;
  if (code != 0 && code != 20 && code != 12 && current_.message.empty())
    current_.message = code == 3 ? "nothing to do" : "exit code " + std::to_string(code);
  const auto told = std::move(told_);
  told_ = nullptr;
  if (told) told(current_);
  listener_.ended(current_);
}

Status JobDesk::cancel() {
  if (!busy()) return Error{Errc::nothing_to_do, "no job is under way"};
  stop_asked_ = true;
  if (waits_) {
    waits_ = false;
    again_ = {};
    end(exit_cancelled);
    return ok();
  }
  worker_.stop();
  return ok();
}

void JobDesk::give_up() {
  if (!busy()) return;
  note_.running = false;
  if (auto noted = write_note(root_, note_); !noted) log(Level::error, noted.error().what);
}

void JobDesk::take_up() {
  if (!note_.running || busy() || mutated("job-not-resumed")) return;
  taken_up_ = true;
  Job job;
  job.method = note_.method;
  job.words = note_.words;
  current_ = {note_.number, job.method, 1, "", Json()};
  std::string why;
  if (job.words.empty())
    why = "the service was killed; ask again";
  else if (note_.starts >= max_starts)
    why = "given up after " + std::to_string(note_.starts) + " starts";
  if (why.empty()) {
    ++note_.starts;
    auto begun = write_note(root_, note_);
    if (begun) begun = run(job, Fd());
    if (begun) {
      log(Level::notice, "going on with " + std::string(to_string(job.method)));
      return;
    }
    why = begun.error().what;
  }
  current_.message = why;
  note_.running = false;
  if (auto noted = write_note(root_, note_); !noted) log(Level::error, noted.error().what);
  listener_.ended(current_);
}

}  // namespace cube
