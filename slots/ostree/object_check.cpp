#include "slots/ostree/object_check.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

#include "base/digest.h"
#include "slots/ostree/glib.h"

namespace cube {
namespace {

// More threads than this only make a disk seek.
constexpr unsigned max_threads = 8;

OstreeObjectType type_of(const ObjectName& name) {
  return static_cast<OstreeObjectType>(name.type);
}

// One thread's view of the repository.
class ObjectReader {
 public:
  static Result<ObjectReader> open(const std::string& path) {
    glib::ErrorOut error;
    const auto file = glib::file(path);
    glib::Object<OstreeRepo> repo(ostree_repo_new(file.get()));
    if (!ostree_repo_open(repo.get(), nullptr, error.out()))
      return error.translate("repository " + path);
    return ObjectReader(std::move(repo));
  }

  Status check(const ObjectName& name) {
    CUBE_TRY(const auto digest, OSTREE_OBJECT_TYPE_IS_META(type_of(name)) ? digest_of_metadata(name)
                                                                          : digest_of_file(name));
    if (to_hex(digest) == name.checksum) return ok();
    return Error{Errc::corrupt, "its content has another checksum"};
  }

 private:
  explicit ObjectReader(glib::Object<OstreeRepo> repo)
      : repo_(std::move(repo)), buffer_(std::make_unique<std::array<char, 131072>>()) {}

  Result<Sha256> digest_of_metadata(const ObjectName& name) {
    glib::ErrorOut error;
    GVariant* raw = nullptr;
    if (!ostree_repo_load_variant(repo_.get(), type_of(name), name.checksum.c_str(), &raw,
                                  error.out()))
      return error.translate("read");
    const glib::Variant variant(raw);
    const bool sound = name.type == OSTREE_OBJECT_TYPE_COMMIT
                           ? ostree_validate_structureof_commit(raw, error.out()) != FALSE
                       : name.type == OSTREE_OBJECT_TYPE_DIR_TREE
                           ? ostree_validate_structureof_dirtree(raw, error.out()) != FALSE
                           : ostree_validate_structureof_dirmeta(raw, error.out()) != FALSE;
    if (!sound) return error.translate("structure");
    return sha256({static_cast<const char*>(g_variant_get_data(raw)), g_variant_get_size(raw)});
  }

  // The name is the digest of the header (owner, mode, link target, extended attributes) and the
  // content; libostree serialises the one before the other.
  Result<Sha256> digest_of_file(const ObjectName& name) {
    glib::ErrorOut error;
    GInputStream* content = nullptr;
    GFileInfo* info = nullptr;
    GVariant* attributes = nullptr;
    if (!ostree_repo_load_file(repo_.get(), name.checksum.c_str(), &content, &info, &attributes,
                               nullptr, error.out()))
      return error.translate("read");
    const glib::Object<GInputStream> owned_content(content);
    const glib::Object<GFileInfo> owned_info(info);
    const glib::Variant owned_attributes(attributes);
    GInputStream* stream = nullptr;
    guint64 length = 0;
    if (!ostree_raw_file_to_content_stream(content, info, attributes, &stream, &length, nullptr,
                                           error.out()))
      return error.translate("read");
    const glib::Object<GInputStream> owned_stream(stream);
    Sha256Hasher hasher;
    for (;;) {
      const auto count =
          g_input_stream_read(stream, buffer_->data(), buffer_->size(), nullptr, error.out());
      if (count < 0) return error.translate("read");
      if (count == 0) return hasher.finish();
      hasher.update(buffer_->data(), static_cast<std::size_t>(count));
    }
  }

  glib::Object<OstreeRepo> repo_;
  std::unique_ptr<std::array<char, 131072>> buffer_;
};

// The names are handed out one by one to whichever thread is free.
class Check {
 public:
  Check(const std::string& repository, const std::vector<ObjectName>& names,
        const std::function<bool(const ObjectName&, const Error&)>& damaged)
      : repository_(repository), names_(names), damaged_(damaged) {}

  Status run(const std::string& stage, const ProgressSink& progress) {
    const auto wanted = std::clamp(std::thread::hardware_concurrency(), 1U, max_threads);
    std::vector<std::thread> threads;
    try {
      for (unsigned i = 0; i < wanted; ++i) threads.emplace_back([this] { work(); });
    } catch (const std::system_error& error) {
      if (threads.empty()) return Error{Errc::failed, std::string("thread: ") + error.what()};
    }
    tell(stage, progress, threads.size());
    for (auto& thread : threads) thread.join();
    if (failure_) return *failure_;
    progress({stage, done_, names_.size(), "objects"});
    return ok();
  }

 private:
  void work() {
    auto reader = ObjectReader::open(repository_);
    if (!reader) {
      end(reader.error());
      return;
    }
    for (std::size_t next = next_++; next < names_.size() && !stop_; next = next_++) {
      const auto status = reader->check(names_[next]);
      if (!status) {
        const std::lock_guard lock(mutex_);
        if (!stop_ && !damaged_(names_[next], status.error())) stop_ = true;
      }
      ++done_;
    }
    end(std::nullopt);
  }

  void end(const std::optional<Error>& error) {
    const std::lock_guard lock(mutex_);
    if (error) {
      failure_ = error;
      stop_ = true;
    }
    ++ended_;
    changed_.notify_one();
  }

  // Until all threads have ended.
  void tell(const std::string& stage, const ProgressSink& progress, std::size_t threads) {
    std::unique_lock lock(mutex_);
    while (ended_ < threads) {
      changed_.wait_for(lock, std::chrono::milliseconds(100));
      const std::size_t done = done_;
      if (done == names_.size()) continue;  // the last word comes after the last thread
      lock.unlock();
      progress({stage, done, names_.size(), "objects"});
      lock.lock();
    }
  }

  const std::string& repository_;
  const std::vector<ObjectName>& names_;
  const std::function<bool(const ObjectName&, const Error&)>& damaged_;
  std::atomic<std::size_t> next_{0}, done_{0};
  std::atomic<bool> stop_{false};
  std::mutex mutex_;  // of what follows, and of `damaged_`
  std::condition_variable changed_;
  std::size_t ended_ = 0;
  std::optional<Error> failure_;
};

}  // namespace

std::string describe(const ObjectName& name) {
  return "object " + name.checksum + "." + ostree_object_type_to_string(type_of(name));
}

Status check_objects(const std::string& repository, const std::vector<ObjectName>& names,
                     const std::string& stage, const ProgressSink& progress,
                     const std::function<bool(const ObjectName&, const Error&)>& damaged) {
  return Check(repository, names, damaged).run(stage, progress);
}

}  // namespace cube
