#include "base/workers.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace cube {
namespace {

class Workers {
 public:
  explicit Workers(const std::function<Status(StopFlag&)>& work) : work_(work) {}
  ~Workers() {
    for (auto& thread : threads_) thread.join();
  }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  Status start(unsigned count) {
    try {
      for (unsigned i = 0; i < count; ++i) threads_.emplace_back([this] { run(); });
    } catch (const std::system_error& error) {
      if (threads_.empty()) return Error{Errc::failed, std::string("thread: ") + error.what()};
    }
    return ok();
  }

  Status wait(const std::function<void()>& tell) {
    std::unique_lock lock(mutex_);
    while (ended_ < threads_.size()) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      if (ended_ == threads_.size()) break;  // the last word comes after the last thread
      lock.unlock();
      tell();
      lock.lock();
    }
    return failure_ ? Status(*failure_) : ok();
  }

 private:
  void run() {
    const auto status = work_(stop_);
    const std::lock_guard lock(mutex_);
    if (!status) {
      if (!failure_) failure_ = status.error();
      stop_ = true;
    }
    ++ended_;
    changed_.notify_one();
  }

  const std::function<Status(StopFlag&)>& work_;
  StopFlag stop_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t ended_ = 0;
  std::optional<Error> failure_;
  std::vector<std::thread> threads_;
};

}  // namespace

unsigned worker_count(unsigned most) {
  return std::clamp(std::thread::hardware_concurrency(), 1U, most);
}

Status run_workers(unsigned count, const std::function<Status(StopFlag&)>& work,
                   const std::function<void()>& tell) {
  Workers workers(work);
  CUBE_CHECK(workers.start(count));
  return workers.wait(tell);
}

}  // namespace cube
