#include "release/packer.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>

#include "base/durable_file.h"
#include "base/io.h"
#include "model/manifest.h"
#include "release/publisher_run.h"
#include "slots/ostree/commit_objects.h"

namespace cube {
namespace {

std::string release_folder(const std::string& release) {
  return "targets/releases/" + release;
}

// The bytes of the file that an object takes, by its share of each chunk.
std::uint64_t stored_bytes(const PackIndex& index, std::size_t object) {
  const auto begin = index.object_start(object);
  const auto end = index.object_start(object + 1);
  std::uint64_t bytes = 0;
  for (auto i = index.chunk_at(begin); i < index.chunks().size() && index.chunk_start(i) < end;
       ++i) {
    const auto from = std::max(begin, index.chunk_start(i));
    const auto to = std::min(end, index.chunk_start(i + 1));
    const auto& chunk = index.chunks()[i];
    bytes += (to - from) * chunk.stored / chunk.raw;  // below 2^44
  }
  return bytes;
}

std::vector<FolderSize> sizes(const PackIndex& index, const std::vector<CommitObject>& objects) {
  std::map<std::string, FolderSize> folders;
  const auto add = [&](const std::string& path, std::size_t i) {
    auto& folder = folders[path];
    folder.path = path;
    ++folder.files;
    folder.raw += index.objects()[i].length;
    folder.stored += stored_bytes(index, i);
  };
  for (std::size_t i = 0; i < objects.size(); ++i) {
    const auto& path = objects[i].path;
    if (objects[i].kind != ObjectKind::file) {
      add("", i);
      continue;
    }
    add("/", i);
    for (auto slash = path.find('/', 1); slash != std::string::npos;
         slash = path.find('/', slash + 1))
      add(path.substr(0, slash), i);
  }
  std::vector<FolderSize> list;
  for (auto& [path, folder] : folders) list.push_back(std::move(folder));
  return list;
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
    return Pack{full_pack,
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
  static constexpr const char* temporary = ".full.pack.new";
  NewFile(RootDir parent, Fd file) : parent_(std::move(parent)), file_(std::move(file)) {}
  RootDir parent_;
  Fd file_;
};

Result<WrittenPack> write(const Fd& file, const CommitObjects& objects, const PackOptions& options,
                          const ProgressSink& progress) {
  const auto& list = objects.list();
  CUBE_TRY(const auto writer, PackWriter::make(file, list[0].name, options));
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto read = objects.read(list[i], *writer);
    if (!read && read.error().code == Errc::corrupt)
      return std::move(read).error().in("repo/ is damaged; restore it from your copy");
    if (!read) return std::move(read).error();
    progress({"pack", i + 1, list.size(), "objects"});
  }
  return writer->finish();
}

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

Result<PackedRelease> Publisher::pack(const std::string& name, const PackOptions& options,
                                      const ProgressSink& progress) const {
  CUBE_TRY(const auto held, lock());
  CUBE_TRY(auto release, pending_to_pack(name));
  const auto& folder = repository_.folder();
  CUBE_TRY(const auto objects, CommitObjects::open(repository_.object_path(), release.commit));
  CUBE_TRY(auto file, NewFile::make(folder, name));
  auto written = write(file.fd(), objects, options, progress);
  if (!written) return std::move(written).error().in("release " + name);
  CUBE_TRY(const auto pack, file.describe(*written));
  CUBE_CHECK(file.keep_as(pack.sha256 + "." + pack.file));
  CUBE_CHECK(sync_folder(folder, "targets/releases"));
  std::erase_if(release.packs, [](const Pack& other) { return other.file == full_pack; });
  release.packs.push_back(pack);
  CUBE_CHECK(put_pending(release));
  CUBE_CHECK(remove_others(folder, release));
  const auto& index = written->index;
  return PackedRelease{std::move(release),
                       pack,
                       index.objects().size(),
                       index.chunks().size(),
                       index.object_start(index.objects().size()),
                       sizes(index, objects.list())};
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
