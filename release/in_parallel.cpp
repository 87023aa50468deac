#include "release/in_parallel.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>
#include <vector>

namespace cube {
namespace {

class Crew {
 public:
  Crew(std::size_t count, const std::function<Status(unsigned, std::size_t)>& work)
      : count_(count), work_(work) {}

  void run(unsigned thread) {
    while (!failed_) {
      const auto i = next_++;
      if (i >= count_) return;
      auto done = work_(thread, i);
      if (!done) fail(i, std::move(done).error());
    }
  }
  void fail(std::size_t i, Error error) {
    const std::scoped_lock lock(mutex_);
    failed_ = true;
    if (!error_ || i < failed_at_) error_ = std::move(error);
    failed_at_ = std::min(i, failed_at_);
  }
  Status result() { return error_ ? Status(std::move(*error_)) : ok(); }

 private:
  std::size_t count_;
  const std::function<Status(unsigned, std::size_t)>& work_;
  std::atomic<std::size_t> next_ = 0;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;
  std::optional<Error> error_;
  std::size_t failed_at_ = ~std::size_t{0};
};

}  // namespace

Status in_parallel(unsigned threads, std::size_t count,
                   const std::function<Status(unsigned thread, std::size_t i)>& work) {
  Crew crew(count, work);
  std::vector<std::thread> others;
  try {
    for (unsigned i = 1; i < threads; ++i) others.emplace_back([&crew, i] { crew.run(i); });
  } catch (const std::system_error& error) {
    crew.fail(0, {Errc::failed, std::string("thread: ") + error.what()});
  }
  crew.run(0);
  for (auto& other : others) other.join();
  return crew.result();
}

}  // namespace cube
