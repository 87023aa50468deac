// cube-release pack.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "release/cli/commands.h"
#include "release/cli/exit_code.h"
#include "release/packer.h"
#include "release/publisher.h"

namespace cube::publish_cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds redraw_every{200};
constexpr std::uint64_t shown_share = 100;  // folders with at least a hundredth of the pack

// One line on a terminal that is drawn again and again; elsewhere nothing.
class Line {
 public:
  ~Line() { clear(); }
  void show(const std::string& name, const Progress& progress) {
    const auto now = steady_clock::now();
    if (!terminal_ || now < drawn_ + redraw_every) return;
    drawn_ = now;
    if (progress.stage != stage_) started_ = now;
    stage_ = progress.stage;
    const auto seconds = std::chrono::duration<double>(now - started_).count();
    const auto done = std::max<std::uint64_t>(progress.done, 1);
    const auto left =
        seconds * static_cast<double>(progress.total - progress.done) / static_cast<double>(done);
    fmt::print(stderr, "\r\033[KPacking {}: {} {} of {} objects, {:.0f} s left", name, stage_,
               progress.done, progress.total, left);
  }
  void clear() {
    if (terminal_ && drawn_ > started_) fmt::print(stderr, "\r\033[K");
    started_ = drawn_ = steady_clock::now();
  }

 private:
  std::string stage_;
  bool terminal_ = ::isatty(STDERR_FILENO) == 1;
  steady_clock::time_point started_ = steady_clock::now();
  steady_clock::time_point drawn_ = started_;
};

// The largest come first.
std::vector<FolderSize> shown(const PackedFile& packed) {
  auto folders = packed.folders;
  std::erase_if(folders, [&](const FolderSize& folder) {
    return folder.stored * shown_share < packed.pack.length;
  });
  std::stable_sort(
      folders.begin(), folders.end(),
      [](const FolderSize& left, const FolderSize& right) { return left.stored > right.stored; });
  return folders;
}

Json folders_json(const PackedFile& packed) {
  Json::Array rows;
  for (const auto& folder : shown(packed))
    rows.push_back(Json::Object{{"path", folder.path},
                                {"files", folder.files},
                                {"raw_bytes", folder.raw},
                                {"stored_bytes", folder.stored}});
  return rows;
}

Json packed_json(const std::string& name, const PackedFile& packed, bool report) {
  Json::Object made{{"name", name},
                    {"file", packed.pack.file},
                    {"from", packed.from},
                    {"sha256", packed.pack.sha256},
                    {"length", packed.pack.length},
                    {"raw_bytes", packed.raw},
                    {"objects", packed.objects},
                    {"chunks", packed.chunks},
                    {"index_bytes", packed.pack.index_length}};
  if (report) made["folders"] = folders_json(packed);
  return made;
}

void print(const std::string& name, const PackedFile& packed, bool report) {
  fmt::print("Packed {}{}{}: {} objects, {} in {}, {} of it the index\n", name,
             packed.from.empty() ? "" : " from ", packed.from, packed.objects,
             human_bytes(packed.raw), human_bytes(packed.pack.length),
             human_bytes(packed.pack.index_length));
  if (!report) return;
  fmt::print("{:>10} {:>10} {:>6} {:>8}  {}\n", "packed", "unpacked", "share", "objects", "folder");
  for (const auto& folder : shown(packed))
    fmt::print("{:>10} {:>10} {:>5.1f}% {:>8}  {}\n", human_bytes(folder.stored),
               human_bytes(folder.raw),
               100.0 * static_cast<double>(folder.stored) / static_cast<double>(packed.pack.length),
               folder.files, folder.path.empty() ? "(metadata)" : folder.path);
}

Result<std::vector<std::string>> names_to_pack(const Publisher& publisher,
                                               const std::string& release) {
  if (!release.empty()) return std::vector<std::string>{release};
  std::vector<std::string> names;
  CUBE_TRY(const auto pending, publisher.pending());
  for (const auto& each : pending) names.push_back(each.name.text);
  if (names.empty())
    return Error{Errc::nothing_to_do, "repository " + publisher.repository().path() +
                                          ": nothing is pending; compose a release first"};
  return names;
}

}  // namespace

Result<int> pack(const Common& common, const PackCommand& command) {
  CUBE_TRY(const auto path, absolute_folder(common.repository));
  CUBE_TRY(const auto publisher, Publisher::open(path));
  CUBE_TRY(const auto names, names_to_pack(publisher, command.release));
  const auto threads = command.threads != 0
                           ? command.threads
                           : std::clamp(std::thread::hardware_concurrency(), 1U, 64U);
  PackRequest request;
  request.full.threads = request.delta.threads = threads;
  request.full.level = command.level.value_or(request.full.level);
  request.delta.level = command.level.value_or(request.delta.level);
  if (!command.from.empty()) request.from = command.from;
  request.deltas = command.deltas;
  Json::Array made;
  for (const auto& name : names) {
    Line line;
    CUBE_TRY(const auto packed,
             publisher.pack(name, request, [&](const Progress& p) { line.show(name, p); }));
    line.clear();
    for (const auto& file : packed.files) {
      made.push_back(packed_json(name, file, command.report));
      if (!common.json) print(name, file, command.report);
    }
  }
  if (common.json) fmt::print("{}\n", Json(Json::Object{{"packs", made}}).line());
  return exit_done;
}

}  // namespace cube::publish_cli
