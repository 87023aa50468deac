#include "agent/bus/worker.h"

#include <signal.h>
#include <unistd.h>

#include <array>

#include "base/log.h"

namespace cube {
namespace {

// At one go; the loop comes back for the rest, and for others in between.
constexpr int pieces_at_once = 16;

}  // namespace

struct Worker::Run {
  Order order;
  Child child;
  LineCutter lines;
  Loop::Watch on_output, on_end, on_limit, on_patience;
  bool output_open = true;

  void kill(int signal) const { ::kill(-child.pid, signal); }

  // False: there is no more for now.
  bool read_some() {
    std::array<char, 16 * 1024> buffer;
    const auto got = ::read(child.output.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) return true;
    if (got == 0) output_open = false;
    if (got <= 0) return false;
    for (const auto& line : lines.add({buffer.data(), static_cast<std::size_t>(got)}))
      if (const auto event = parse_event(line)) order.event(*event);
    return true;
  }
};

Status Worker::start(Order order) {
  if (busy()) return Error{Errc::busy, "another job is under way; `Cancel` ends it"};
  auto run = std::make_shared<Run>();
  run->order = std::move(order);
  CUBE_TRY(run->child, start_child(run->order.argv, run->order.handed));
  run->order.handed.reset();
  run_ = run;
  auto exit = loop_.on_exit(run->child.pid, [this](int code) { end(code); });
  auto output = loop_.on_readable(run->child.output.get(), [this] { read(); });
  if (!exit || !output) {
    run->kill(SIGKILL);
    run_.reset();
    return exit ? output.error() : exit.error();
  }
  run->on_end = std::move(*exit);
  run->on_output = std::move(*output);
  if (!run->order.limit) return ok();
  // By number, which is the child's as long as it was not waited for: the watch goes before that.
  CUBE_TRY(run->on_limit, loop_.after(*run->order.limit, [pid = run->child.pid] {
    log(Level::warning, "a run of cube-update takes too long and is killed");
    ::kill(-pid, SIGKILL);
  }));
  return ok();
}

void Worker::read() {
  const auto run = run_;
  if (!run) return;
  for (int i = 0; i < pieces_at_once; ++i)
    if (!run->read_some()) break;
  if (!run->output_open) run->on_output = {};
}

void Worker::end(int code) {
  const auto run = run_;
  if (!run) return;
  // What it said last may still be in the pipe. What is left of its group may hold that open.
  run->kill(SIGKILL);
  while (run->output_open && run->read_some()) {
  }
  run_.reset();
  run->on_output = {};
  run->on_limit = {};
  run->on_patience = {};
  run->order.ended(code);
}

void Worker::stop(std::chrono::seconds patience) {
  if (!run_) return;
  run_->kill(SIGTERM);
  auto watch = loop_.after(patience, [pid = run_->child.pid] { ::kill(-pid, SIGKILL); });
  if (watch) run_->on_patience = std::move(*watch);
}

}  // namespace cube
