// JobDesk: runs what callers ask for, one job at a time, and goes on with one that a dead service
// left behind. Not thread-safe.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "agent/bus/job.h"
#include "agent/bus/job_note.h"
#include "agent/bus/worker.h"
#include "base/loop.h"
#include "base/root_dir.h"

namespace cube {

struct DeskConfig {
  std::string program = "/usr/bin/cube-update";
  std::string root = "/";
  std::string fetch_socket = "/run/cube-update/fetch";
  // A commit runs health checks that others wrote, which a sandbox must not make fail: it is begun
  // by systemd, outside of the service's.
  bool commit_apart = false;
};

// The whole command line of a run.
[[nodiscard]] std::vector<std::string> command_line(const DeskConfig& config, const Job& job);

struct JobEnd {
  std::uint32_t number = 0;
  Method method{};
  int code = 0;         // exit code of the run
  std::string message;  // one line: what failed; "" with none
  Json result;          // what it said last
};

class JobDesk {
 public:
  struct Listener {
    std::function<void(const std::string& phase)> moved;  // the journal's phase is another one
    std::function<void()> progressed;
    std::function<void(const JobEnd&)> ended;  // of any job, after whoever began it was told
  };

  // `root` is where notes are kept; both outlive it.
  JobDesk(Loop& loop, const RootDir& root, DeskConfig config, Listener listener);

  [[nodiscard]] bool busy() const { return worker_.busy() || waits_; }
  // Of the job under way, or of the last one.
  [[nodiscard]] const Progress& progress() const { return progress_; }
  [[nodiscard]] const std::string& says() const { return says_; }

  // Its number. Errors: busy, failed, no_space.
  Result<std::uint32_t> begin(const Job& job, Fd handed, std::function<void(const JobEnd&)> ended);
  // Asks the job under way to stop where that is safe. Errors: nothing_to_do.
  Status cancel();
  // At an end of the service that somebody asked for: what is under way is not taken up again.
  void give_up();
  // At the start of the service: begins again what was under way when it died, or tells that it
  // cannot.
  void take_up();

 private:
  Status run(const Job& job, Fd handed);
  void note_event(const JobEvent& event);
  void end(int code);

  Loop& loop_;
  const RootDir& root_;
  DeskConfig config_;
  Listener listener_;
  Worker worker_;
  JobNote note_;
  JobEnd current_;
  std::function<void(const JobEnd&)> told_;
  Progress progress_;
  std::string says_;
  bool taken_up_ = false;
  bool waits_ = false;  // to begin once more
  bool stop_asked_ = false;
  Loop::Watch again_;
};

}  // namespace cube
