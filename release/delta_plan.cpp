#include "release/delta_plan.h"

#include <algorithm>
#include <map>
#include <set>

#include "release/in_parallel.h"
#include "release/old_paths.h"
#include "release/window_choice.h"
#include "slots/ostree/compose/archive_files.h"

namespace cube {
namespace {

constexpr int trial_level = 3;
constexpr std::size_t likely_contents = 2;
constexpr std::uint64_t whole_base_slack = 64 * 1024;
constexpr std::uint64_t matched_budget = 6 * 1024 * 1024;

class Planner {
 public:
  Planner(const std::string& repository, const CommitObjects& from, const CommitObjects& to,
          unsigned threads, const ProgressSink& progress)
      : repository_(repository), from_(from), to_(to), threads_(threads), progress_(progress) {}

  Result<std::vector<PlannedObject>> plan() {
    CUBE_CHECK(open());
    sort_objects();
    CUBE_CHECK(scan());
    large_last();
    name_paths();
    CUBE_CHECK(choose_all());
    return std::move(planned_);
  }

 private:
  struct Content {
    Sha256 name{};
    std::uint64_t size = 0;
    std::vector<Anchor> anchors;
    [[nodiscard]] bool is_large() const { return size > max_chunk_bytes; }
  };

  Status open() {
    for (unsigned i = 0; i < threads_; ++i) {
      CUBE_TRY(auto files, ArchiveFiles::open(repository_));
      CUBE_TRY(auto encoder, ChunkEncoder::make(trial_level));
      files_.push_back(std::move(files));
      encoders_.push_back(std::move(encoder));
    }
    return ok();
  }

  // What is new, in the order of the commit; old contents come first in contents_.
  void sort_objects() {
    std::array<std::set<Sha256>, 4> old;
    for (const auto& object : from_.list()) {
      old[static_cast<std::size_t>(object.kind)].insert(object.name);
      if (object.kind == ObjectKind::file) add_content(object.name);
    }
    old_contents_ = contents_.size();
    for (const auto& object : to_.list()) {
      if (old[static_cast<std::size_t>(object.kind)].count(object.name) != 0) continue;
      if (object.kind == ObjectKind::file) add_content(object.name);
      planned_.push_back({object, {}});
    }
  }
  void add_content(const Sha256& name) {
    numbers_[name] = static_cast<std::uint32_t>(contents_.size());
    contents_.push_back({name, 0, {}});
  }

  Status scan() {
    const auto one = [&](unsigned thread, std::size_t i) -> Status {
      auto& content = contents_[i];
      CUBE_TRY(content.size, files_[thread].size(content.name));
      AnchorScan anchors;
      const auto look = [&](std::string_view piece) {
        anchors.update(piece);
        return ok();
      };
      CUBE_CHECK(files_[thread].each(content.name, look));
      content.anchors = anchors.take();
      return ok();
    };
    const auto tell = [&](std::size_t done) {
      progress_({"compare", done, contents_.size(), "objects"});
    };
    CUBE_CHECK(in_parallel(threads_, contents_.size(), one, tell));
    fill_index();
    return ok();
  }
  void fill_index() {
    for (std::uint32_t i = 0; i < contents_.size(); ++i) {
      auto& content = contents_[i];
      const bool is_old = i < old_contents_;
      if (is_old || !content.is_large()) index_.add(i, content.anchors);
      if (is_old) content.anchors = {};
      const Base base{content.name, content.size};
      for_small_.push_back({base, is_old});
      for_large_.push_back({base, is_old || !content.is_large()});
    }
    index_.sort();
  }

  void large_last() {
    std::stable_partition(planned_.begin(), planned_.end(), [&](const PlannedObject& planned) {
      return planned.object.kind != ObjectKind::file || !content_of(planned).is_large();
    });
  }
  [[nodiscard]] const Content& content_of(const PlannedObject& planned) const {
    return contents_[numbers_.at(planned.object.name)];
  }

  void name_paths() {
    for (const auto& [path, file] : from_.paths()) {
      const auto number = numbers_.at(file);
      if (contents_[number].size > 0) paths_.add(path, number);
    }
  }

  Status choose_all() {
    const auto one = [&](unsigned thread, std::size_t i) {
      return choose_for(thread, planned_[i]);
    };
    const auto tell = [&](std::size_t done) {
      progress_({"choose", done, planned_.size(), "objects"});
    };
    return in_parallel(threads_, planned_.size(), one, tell);
  }
  Status choose_for(unsigned thread, PlannedObject& planned) {
    if (planned.object.kind != ObjectKind::file) return ok();
    const auto& content = content_of(planned);
    if (content.size == 0) return ok();
    if (content.is_large()) {
      planned.windows = for_pieces(content, paths_.candidates(planned.object.path));
      return ok();
    }
    CUBE_TRY(auto windows, choose(thread, content, planned.object.path));
    planned.windows = {std::move(windows)};
    return ok();
  }

  // Of a large file each chunk has windows of its own.
  std::vector<BaseWindows> for_pieces(const Content& content,
                                      const std::vector<std::uint32_t>& by_path) const {
    std::vector<BaseWindows> pieces;
    const auto& anchors = content.anchors;
    auto first = anchors.begin();
    for (std::uint64_t begin = 0; begin < content.size; begin += max_chunk_bytes) {
      const auto end = std::min(content.size, begin + max_chunk_bytes);
      const auto last = std::find_if(first, anchors.end(),
                                     [&](const Anchor& anchor) { return anchor.place >= end; });
      const std::span<const Anchor> here(first, last);
      auto matched = matching_windows(index_, for_large_, here, matched_budget);
      if (matched.anchors * 4 < here.size() && !by_path.empty())
        matched.windows = {
            window_at_same_place(for_large_[by_path[0]].base, content.size, begin, end)};
      pieces.push_back(std::move(matched.windows));
      first = last;
    }
    return pieces;
  }

  // The best of what path and content suggest.
  Result<BaseWindows> choose(unsigned thread, const Content& content, const std::string& path) {
    auto candidates = paths_.candidates(path);
    const auto like = likest(index_, for_small_, content.anchors, likely_contents);
    const auto likeness_of_first = [&] {
      for (const auto& [number, anchors] : like)
        if (!candidates.empty() && number == candidates[0]) return anchors;
      return std::size_t{0};
    };
    // A file of the same path that is as like as any is not put to the test.
    if (!candidates.empty() && !like.empty() && likeness_of_first() == like[0].anchors)
      return windows_in(candidates[0], content);
    for (const auto& [number, anchors] : like)
      if (std::find(candidates.begin(), candidates.end(), number) == candidates.end())
        candidates.push_back(number);
    return best_of(thread, content, candidates);
  }

  Result<BaseWindows> best_of(unsigned thread, const Content& content,
                              const std::vector<std::uint32_t>& candidates) {
    if (candidates.empty()) return BaseWindows();
    if (candidates.size() == 1) return windows_in(candidates[0], content);
    std::string bytes;
    CUBE_CHECK(files_[thread].read(content.name, content.size, 0, content.size, bytes));
    BaseWindows best;
    std::size_t best_size = ~std::size_t{0};
    for (const auto candidate : candidates) {
      auto windows = windows_in(candidate, content);
      std::string prefix;
      for (const auto& window : windows)
        CUBE_CHECK(files_[thread].read(window.base.name, window.base.size, window.offset,
                                       window.length, prefix));
      CUBE_TRY(const auto made, encoders_[thread].encode(bytes, prefix));
      if (made.bytes.size() >= best_size) continue;
      best_size = made.bytes.size();
      best = std::move(windows);
    }
    return best;
  }

  // All of a base that is not much larger than the file; else the parts that are like it.
  BaseWindows windows_in(std::uint32_t candidate, const Content& content) const {
    const auto& base = for_small_[candidate].base;
    const auto enough =
        std::min<std::uint64_t>(2 * content.size + whole_base_slack, max_prefix_bytes);
    if (base.size <= enough) return {{base, 0, static_cast<std::uint32_t>(base.size)}};
    auto matched = matching_windows(index_, for_small_, content.anchors, enough);
    if (!matched.windows.empty()) return matched.windows;
    return {window_at_same_place(base, content.size, 0, content.size)};
  }

  const std::string& repository_;
  const CommitObjects& from_;
  const CommitObjects& to_;
  unsigned threads_;
  const ProgressSink& progress_;
  std::vector<ArchiveFiles> files_;     // one for each thread
  std::vector<ChunkEncoder> encoders_;  // one for each thread
  std::vector<PlannedObject> planned_;
  std::vector<Content> contents_;  // old, then new
  std::size_t old_contents_ = 0;
  std::map<Sha256, std::uint32_t> numbers_;
  AnchorIndex index_;
  std::vector<BaseContent> for_small_, for_large_;  // which contents may be bases
  OldPaths paths_;
};

}  // namespace

Result<std::vector<PlannedObject>> plan_delta(const std::string& repository,
                                              const CommitObjects& from, const CommitObjects& to,
                                              unsigned threads, const ProgressSink& progress) {
  return Planner(repository, from, to, threads, progress).plan();
}

}  // namespace cube
