#include "slots/early_writeback.h"

#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>

namespace cube {
namespace {

constexpr std::chrono::milliseconds interval{1000};

}  // namespace

struct EarlyWriteback::State {
  State(Fd folder, std::string path) : filesystem(std::move(folder)), where(std::move(path)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { end(); }

  Status sync() const {
    return ::syncfs(filesystem.get()) == 0 ? ok() : Status(system_error("sync " + where));
  }

  void run() {
    std::unique_lock lock(mutex);
    while (!ending.wait_for(lock, interval, [this] { return ended; })) {
      lock.unlock();
      const auto status = sync();
      lock.lock();
      if (!status) {
        outcome = status;
        return;
      }
    }
  }

  void end() {
    {
      const std::lock_guard lock(mutex);
      ended = true;
    }
    ending.notify_all();
    if (thread.joinable()) thread.join();
  }

  Fd filesystem;
  std::string where;
  std::mutex mutex;
  std::condition_variable ending;
  bool ended = false;
  Status outcome = ok();
  std::thread thread;
};

EarlyWriteback::EarlyWriteback(std::unique_ptr<State> state) : state_(std::move(state)) {}
EarlyWriteback::EarlyWriteback(EarlyWriteback&&) noexcept = default;
EarlyWriteback::~EarlyWriteback() = default;

Result<EarlyWriteback> EarlyWriteback::begin(const RootDir& tree) {
  CUBE_TRY(auto folder, tree.open_file(".", O_RDONLY | O_DIRECTORY));
  auto state = std::make_unique<State>(std::move(folder), tree.path());
  try {
    state->thread = std::thread([&running = *state] { running.run(); });
  } catch (const std::system_error&) {
  }
  return EarlyWriteback(std::move(state));
}

Status EarlyWriteback::finish() {
  state_->end();
  CUBE_CHECK(state_->outcome);
  return state_->sync();
}

}  // namespace cube
