#include "agent/cli/stop_signals.h"

namespace cube::cli {
namespace {

constexpr std::array signals{SIGINT, SIGTERM, SIGHUP};

// What a signal handler may write to has to be reachable without arguments.
std::atomic<bool> stop{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void remember(int) {
  stop.store(true, std::memory_order_relaxed);
}

}  // namespace

StopSignals::StopSignals() {
  struct sigaction action {};
  action.sa_handler = remember;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (std::size_t i = 0; i < signals.size(); ++i) {
    ::sigaction(signals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(signals[i], &action, nullptr);
  }
}

StopSignals::~StopSignals() {
  for (std::size_t i = 0; i < signals.size(); ++i) ::sigaction(signals[i], &before_[i], nullptr);
}

const std::atomic<bool>& StopSignals::asked() {
  return stop;
}

}  // namespace cube::cli
