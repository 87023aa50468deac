#include "release/packer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <set>

#include "base/durable_file.h"
#include "base/io.h"
#include "release/delta_plan.h"
#include "release/pack_sizes.h"
#include "release/publisher_run.h"
#include "slots/ostree/compose/archive_files.h"

namespace cube {
namespace {

std::string release_folder(const std::string& release) {
  return "targets/releases/" + release;
}

std::string delta_pack(const Release& older) {
  return "from-" + older.commit.substr(0, 12) + ".pack";
}

// A file under a name that nobody looks for, until it is renamed.
class NewFile {
 public:
  static Result<NewFile> make(const RootDir& folder, const std::string& release) {
    CUBE_CHECK(folder.make_dirs(release_folder(release)));
    CUBE_TRY(auto parent, folder.below(release_folder(release)));
    CUBE_CHECK(parent.remove_file(temporary));  // left by an interrupted run
    CUBE_TRY(auto file, parent.open_file(temporary, O_RDWR | O_CREAT | O_EXCL, 0644));
    return NewFile(std::move(parent), std::move(file));
  }
  NewFile(NewFile&&) noexcept = default;
  NewFile& operator=(NewFile&&) = delete;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    if (file_.valid()) (void)parent_.remove_file(temporary);
  }

  [[nodiscard]] const Fd& fd() const { return file_; }

  // What was written, read back. Errors: no_space, failed.
  Result<Pack> describe(const WrittenPack& written) const {
    CUBE_CHECK(sync_file(file_));
    if (::lseek(file_.get(), 0, SEEK_SET) != 0) return system_error("read the pack");
    CUBE_TRY(const auto digest, sha256_of_rest(file_));
    return Pack{"",
                written.place.offset + written.place.length,
                to_hex(digest),
                written.place.offset,
                written.place.length,
                to_hex(written.index_sha256)};
  }
  // Durably. Errors: failed.
  Status keep_as(const std::string& name) {
    if (::renameat(parent_.fd(), temporary, parent_.fd(), name.c_str()) != 0)
      return system_error("rename to " + parent_.join(name));
    file_.reset();
    return sync_folder(parent_, ".");
  }

 private:
  static constexpr const char* temporary = ".pack.new";
  NewFile(RootDir parent, Fd file) : parent_(std::move(parent)), file_(std::move(file)) {}
  RootDir parent_;
  Fd file_;
};

Error damaged(Error error) {
  if (error.code != Errc::corrupt) return error;
  return std::move(error).in("repo/ is damaged; restore it from your copy");
}

// A pack in the making: what goes into it, and to where.
struct Job {
  const CommitObjects& objects;
  std::vector<PlannedObject> planned;
  const ProgressSink& progress;
};

Result<WrittenPack> write(PackWriter& writer, Job& job) {
  for (std::size_t i = 0; i < job.planned.size(); ++i) {
    auto& [object, windows] = job.planned[i];
    writer.base_next_on(std::move(windows));
    auto read = job.objects.read(object, writer);
    if (!read) return damaged(std::move(read).error());
    job.progress({"pack", i + 1, job.planned.size(), "objects"});
  }
  return writer.finish();
}

Job whole(const CommitObjects& objects, const ProgressSink& progress) {
  Job job{objects, {}, progress};
  for (const auto& object : objects.list()) job.planned.push_back({object, {}});
  return job;
}

std::vector<CommitObject> objects_of(const Job& job) {
  std::vector<CommitObject> objects;
  for (const auto& planned : job.planned) objects.push_back(planned.object);
  return objects;
}

// Writes a file of the release and adds it to the release's packs.
class PackRun {
 public:
  PackRun(const ReleaseRepository& repository, Release& release, const ProgressSink& progress)
      : repository_(repository), release_(release), progress_(progress) {}

  Status open() {
    CUBE_TRY(auto opened, CommitObjects::open(repository_.object_path(), release_.commit));
    objects_.emplace(std::move(opened));
    return ok();
  }
  Result<PackedFile> full(const PackOptions& options) {
    CUBE_TRY(auto file, NewFile::make(repository_.folder(), release_.name.text));
    auto job = whole(*objects_, progress_);
    CUBE_TRY(const auto writer, PackWriter::make(file.fd(), objects_->list()[0].name, options));
    CUBE_TRY(const auto written, write(*writer, job));
    return keep(file, written, objects_of(job), full_pack, "", "");
  }
  Result<PackedFile> delta(const PackOptions& options, const Release& older) {
    const auto repo = repository_.object_path();
    auto from = CommitObjects::open(repo, older.commit);
    if (!from) return damaged(std::move(from).error());
    auto plan = plan_delta(repo, *from, *objects_, options.threads, progress_);
    if (!plan) return damaged(std::move(plan).error());
    CUBE_TRY(auto bases, ArchiveFiles::open(repo));
    CUBE_TRY(auto file, NewFile::make(repository_.folder(), release_.name.text));
    Job job{*objects_, std::move(plan).value(), progress_};
    CUBE_TRY(const auto writer, PackWriter::make_delta(file.fd(), objects_->list()[0].name, options,
                                                       from->list()[0].name, bases));
    CUBE_TRY(const auto written, write(*writer, job));
    return keep(file, written, objects_of(job), delta_pack(older), older.commit, older.name.text);
  }

 private:
  Result<PackedFile> keep(NewFile& file, const WrittenPack& written,
                          const std::vector<CommitObject>& objects, const std::string& name,
                          const std::string& commit, const std::string& from) {
    CUBE_TRY(auto pack, file.describe(written));
    pack.file = name;
    pack.from = commit;
    CUBE_CHECK(file.keep_as(pack.sha256 + "." + pack.file));
    CUBE_CHECK(sync_folder(repository_.folder(), "targets/releases"));
    release_.packs.push_back(pack);
    const auto& index = written.index;
    return PackedFile{pack,
                      from,
                      index.objects().size(),
                      index.chunks().size(),
                      index.object_start(index.objects().size()),
                      folder_sizes(index, objects)};
  }

  const ReleaseRepository& repository_;
  Release& release_;
  const ProgressSink& progress_;
  std::optional<CommitObjects> objects_;
};

// Packs that an earlier run left and the pending manifest does not name.
Status remove_others(const RootDir& folder, const Release& release) {
  if (!folder.exists(release_folder(release.name.text))) return ok();
  CUBE_TRY(const auto files, folder.list(release_folder(release.name.text)));
  for (const auto& file : files) {
    const auto path = release_folder(release.name.text) + "/" + file;
    const bool named =
        std::any_of(release.packs.begin(), release.packs.end(),
                    [&](const Pack& pack) { return pack_path(release.name.text, pack) == path; });
    if (file.ends_with(".pack") && !named) CUBE_CHECK(folder.remove_file(path));
  }
  return ok();
}

}  // namespace

std::string pack_path(const std::string& release, const Pack& pack) {
  return release_folder(release) + "/" + pack.sha256 + "." + pack.file;
}

Result<Release> Publisher::pending_to_pack(const std::string& name) const {
  CUBE_TRY(const auto state, repository_.published());
  if (state && state->targets.releases.count(name) != 0)
    return Error{Errc::nothing_to_do,
                 "release " + name + ": is published, and what was published never changes"};
  CUBE_TRY(const auto waiting, pending());
  for (const auto& release : waiting)
    if (release.name.text == name) return release;
  return Error{Errc::invalid,
               "release " + name + ": is not pending; cube-release list shows which ones are"};
}

Result<std::vector<Release>> Publisher::older_to_pack(const Release& release,
                                                      const PackRequest& request) const {
  if (request.deltas > max_deltas || (request.from && request.from->size() > max_deltas))
    return Error{Errc::invalid, "a release can have deltas from " + std::to_string(max_deltas) +
                                    " others at most"};
  CUBE_TRY(auto known, published());
  if (!request.from) {
    std::erase_if(known, [&](const Release& other) {
      return compare_age(other.name, release.name) >= 0 || other.commit == release.commit;
    });
    known.erase(known.begin(),
                known.end() - static_cast<std::ptrdiff_t>(std::min(known.size(), request.deltas)));
    return known;
  }
  CUBE_TRY(auto waiting, pending());
  std::move(waiting.begin(), waiting.end(), std::back_inserter(known));
  std::vector<Release> older;
  for (const auto& name : *request.from) {
    const auto found = std::find_if(known.begin(), known.end(),
                                    [&](const Release& other) { return other.name.text == name; });
    if (found == known.end())
      return Error{Errc::invalid, "release " + name +
                                      ": is neither published nor pending, so there can be no "
                                      "delta from it; cube-release list shows which ones are"};
    if (found->commit == release.commit)
      return Error{Errc::invalid, "release " + name + ": has the same tree as " +
                                      release.name.text + ", so a delta has nothing to hold"};
    older.push_back(*found);
  }
  return older;
}

Result<PackedRelease> Publisher::pack(const std::string& name, const PackRequest& request,
                                      const ProgressSink& progress) const {
  CUBE_TRY(const auto held, lock());
  CUBE_TRY(auto release, pending_to_pack(name));
  CUBE_TRY(const auto olders, older_to_pack(release, request));
  release.packs.clear();
  PackRun run(repository_, release, progress);
  auto opened = run.open();
  if (!opened) return std::move(opened).error().in("release " + name);
  PackedRelease packed;
  const auto keep = [&](Result<PackedFile> made) -> Status {
    if (!made) return std::move(made).error().in("release " + name);
    packed.files.push_back(std::move(made).value());
    return put_pending(release);
  };
  CUBE_CHECK(keep(run.full(request.full)));
  std::set<std::string> commits;
  for (const auto& older : olders)
    if (commits.insert(older.commit).second) CUBE_CHECK(keep(run.delta(request.delta, older)));
  CUBE_CHECK(remove_others(repository_.folder(), release));
  packed.release = std::move(release);
  return packed;
}

Status Publisher::add_packs(const Release& release, Json::Object& targets) const {
  for (const auto& pack : release.packs) {
    CUBE_CHECK(check_pack(repository_.folder(), release, pack));
    targets["releases/" + release.name.text + "/" + pack.file] =
        Json::Object{{"length", pack.length}, {"hashes", Json::Object{{"sha256", pack.sha256}}}};
  }
  return remove_others(repository_.folder(), release);
}

}  // namespace cube
