#include "slots/ostree/repository.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <utility>

#include "base/workers.h"
#include "slots/ostree/commit_walk.h"
#include "slots/ostree/glib.h"
#include "slots/ostree/object_check.h"
#include "slots/ostree/object_reader.h"

namespace cube {
namespace {

using glib::ErrorOut;

constexpr const char* remote_name = "cube-update";
constexpr unsigned network_retries = 5;  // per object; libostree's own default

// What a pull tells as it goes on.
struct Watch {
  const ProgressSink& tell;
  std::atomic<std::uint64_t> sign_of_life{0};  // grows with whatever comes
  std::atomic<std::uint64_t> bytes{0};         // that came
};

// Objects that are imported from a folder are not counted by libostree, only the folders of the
// tree.
void report(OstreeAsyncProgress* progress, gpointer watch) {
  guint64 bytes = 0;
  guint fetched = 0;
  guint requested = 0;
  guint folders = 0;
  ostree_async_progress_get(progress, "bytes-transferred", "t", &bytes, "fetched", "u", &fetched,
                            "requested", "u", &requested, "scanned-metadata", "u", &folders,
                            nullptr);
  auto& [tell, sign_of_life, came] = *static_cast<Watch*>(watch);
  sign_of_life = bytes + fetched + folders;
  came = bytes;
  if (requested > 0)
    tell({"fill", fetched, requested, "objects"});
  else
    tell({"fill", folders, 0, "folders"});
}

// Our own signature covers the commit, so libostree's are not asked for.
glib::Variant remote_options(const HttpConfig& http) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sv}"));
  const auto add = [&](const char* name, GVariant* value) {
    g_variant_builder_add(&builder, "{sv}", name, value);
  };
  const auto add_path = [&](const char* name, const std::string& path) {
    if (!path.empty()) add(name, g_variant_new_string(path.c_str()));
  };
  add("gpg-verify", g_variant_new_boolean(FALSE));
  add("gpg-verify-summary", g_variant_new_boolean(FALSE));
  add_path("tls-ca-path", http.ca_file);
  add_path("tls-client-cert-path", http.client_certificate);
  add_path("tls-client-key-path",
           http.client_key.empty() ? http.client_certificate : http.client_key);
  add_path("proxy", http.proxy);
  return glib::Variant(g_variant_ref_sink(g_variant_builder_end(&builder)));
}

glib::Variant pull_options(const std::string& commit, const std::string& cache, unsigned retries,
                           const Part* only) {
  GVariantBuilder builder;
  g_variant_builder_init(&builder, G_VARIANT_TYPE("a{sv}"));
  const char* refs[] = {commit.c_str(), nullptr};
  const auto add = [&](const char* name, GVariant* value) {
    g_variant_builder_add(&builder, "{sv}", name, value);
  };
  add("refs", g_variant_new_strv(refs, -1));
  add("flags", g_variant_new_int32(OSTREE_REPO_PULL_FLAGS_UNTRUSTED));
  add("depth", g_variant_new_int32(0));
  add("disable-static-deltas", g_variant_new_boolean(TRUE));
  add("n-network-retries", g_variant_new_uint32(retries));
  const char* caches[] = {cache.c_str(), nullptr};
  if (!cache.empty()) add("localcache-repos", g_variant_new_strv(caches, -1));
  if (only != nullptr) add("subdir", g_variant_new_string(only->folder.c_str()));
  return glib::Variant(g_variant_ref_sink(g_variant_builder_end(&builder)));
}

// libostree keeps a download in $TMPDIR, else in /var/tmp, which a read-only root does not have.
// To be made before any thread of a pull exists.
class TemporaryFolder {
 public:
  explicit TemporaryFolder(const std::string& path) : before_(g_strdup(g_getenv("TMPDIR"))) {
    g_setenv("TMPDIR", path.c_str(), TRUE);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    if (before_)
      g_setenv("TMPDIR", before_.get(), TRUE);
    else
      g_unsetenv("TMPDIR");
  }

 private:
  glib::String before_;
};

// An ordinary user cannot give files away, so ownership is kept as data.
int bare_mode() {
  return ::geteuid() == 0 ? OSTREE_REPO_MODE_BARE : OSTREE_REPO_MODE_BARE_USER;
}

}  // namespace

Repository::Repository(Repository&& other) noexcept
    : repo_(std::exchange(other.repo_, nullptr)),
      path_(std::move(other.path_)),
      keeps_owners_(other.keeps_owners_) {}

Repository& Repository::operator=(Repository&& other) noexcept {
  std::swap(repo_, other.repo_);
  path_ = std::move(other.path_);
  keeps_owners_ = other.keeps_owners_;
  return *this;
}

Repository::~Repository() {
  if (repo_ != nullptr) g_object_unref(repo_);
}

Result<Repository> Repository::open(const std::string& path, int mode, bool create) {
  ErrorOut error;
  const auto file = glib::file(path);
  Repository repository(ostree_repo_new(file.get()), path, mode == OSTREE_REPO_MODE_BARE);
  if (create && !ostree_repo_create(repository.repo_, static_cast<OstreeRepoMode>(mode), nullptr,
                                    error.out()))
    return error.translate("repository " + path);
  if (!ostree_repo_open(repository.repo_, nullptr, error.out()))
    return error.translate("repository " + path);
  if (ostree_repo_get_mode(repository.repo_) != mode)
    return Error{Errc::corrupt, "repository " + path + " is of another kind than expected"};
  return repository;
}

Result<Repository> Repository::open_bare_to_read(const std::string& path) {
  return open(path, bare_mode(), false);
}

Result<Repository> Repository::open_bare(const std::string& path) {
  CUBE_TRY(auto repository, open(path, bare_mode(), true));
  // Space was checked before, for the whole; libostree's own reserve would only be a second
  // opinion.
  GKeyFile* config = ostree_repo_copy_config(repository.repo_);
  g_key_file_set_string(config, "core", "min-free-space-percent", "0");
  ErrorOut error;
  const bool written = ostree_repo_write_config(repository.repo_, config, error.out()) != FALSE;
  g_key_file_unref(config);
  if (!written || !ostree_repo_reload_config(repository.repo_, nullptr, error.out()))
    return error.translate("repository " + path);
  return repository;
}

Result<Repository> Repository::open_archive(const std::string& path, bool create) {
  return open(path, OSTREE_REPO_MODE_ARCHIVE, create);
}

// Who is asked for objects, and how.
struct Repository::Server {
  std::string url;
  const HttpConfig& http;
  bool may_be_slow = true;  // false: it is a mirror
};

Status Repository::pull_once(const Server& server, const std::string& commit,
                             const std::string& cache, const ProgressSink& progress,
                             const Part* only) {
  const TemporaryFolder downloads(path_ + "/tmp");
  ErrorOut error;
  const auto remote = remote_options(server.http);
  if (!ostree_repo_remote_change(repo_, nullptr, OSTREE_REPO_REMOTE_CHANGE_REPLACE, remote_name,
                                 server.url.c_str(), remote.get(), nullptr, error.out()))
    return error.translate("source " + server.url);
  Watch told{progress};
  const glib::Object<OstreeAsyncProgress> watch(
      ostree_async_progress_new_and_connect(report, &told));
  const auto options = pull_options(commit, cache, server.may_be_slow ? network_retries : 0, only);
  const std::uint64_t most = only != nullptr ? only->max_bytes : UINT64_MAX;
  const glib::Object<GCancellable> cancel(g_cancellable_new());
  Patience patience;
  patience.begin(std::chrono::steady_clock::now());
  std::uint64_t last_sign = 0;
  // In a thread of its own, so that this one can look whether it shall go on.
  const auto status = run_workers(
      1,
      [&](StopFlag&) -> Status {
        if (ostree_repo_pull_with_options(repo_, remote_name, options.get(), watch.get(),
                                          cancel.get(), error.out()) != FALSE)
          return ok();
        return error.translate("objects from " + server.url);
      },
      [&] {
        const auto now = std::chrono::steady_clock::now();
        const auto sign = told.sign_of_life.load();
        if (sign != last_sign) patience.begin(now);
        last_sign = sign;
        if (progress.cancelled() || (!server.may_be_slow && patience.spent(now)) ||
            told.bytes > most)
          g_cancellable_cancel(cancel.get());
      });
  ostree_async_progress_finish(watch.get());
  CUBE_CHECK(progress.go_on());
  if (told.bytes > most)
    return Error{Errc::corrupt, server.url + ": gives more than " + std::to_string(most) +
                                    " bytes for a part of " + commit};
  if (!status && status.error().code == Errc::cancelled)
    return Error{Errc::unreachable, server.url + ": too slow"};
  return status;
}

Status Repository::pull(const ObjectSource& source, const std::string& commit,
                        const std::string& cache, const ProgressSink& progress,
                        const Part* only) {
  if (!source.http.through.empty() && !source.url.starts_with("file:"))
    return Error{Errc::refused,
                 "single objects from " + source.url +
                     " are not fetched through the fetch service; run `cube-update apply`"};
  // libostree takes a commit that it has for complete, and would not look for objects that were
  // deleted as damaged, or that a cut kept from being written.
  ErrorOut error;
  CUBE_TRY(const bool present, has_commit(commit));
  if (present && !ostree_repo_mark_commit_partial(repo_, commit.c_str(), TRUE, error.out()))
    return error.translate("repository " + path_);
  for (const auto& mirror :
       source.mirrors ? source.mirrors->of(source.url) : std::vector<Mirrors::Place>()) {
    const auto status =
        pull_once({mirror.url, source.mirrors->http(), false}, commit, cache, progress, only);
    if (status || progress.cancelled()) return status;
    source.mirrors->give_up(mirror, status.error());
  }
  const Server server{source.url, source.http};
  auto status = pull_once(server, commit, cache, progress, only);
  const bool cache_may_be_damaged =
      !status && !cache.empty() &&
      (status.error().code == Errc::corrupt || status.error().code == Errc::failed ||
       status.error().code == Errc::not_found);
  if (cache_may_be_damaged) status = pull_once(server, commit, "", progress, only);
  if (status || status.error().code != Errc::not_found) return status;
  Error incomplete = std::move(status).error();
  incomplete.code = Errc::corrupt;
  return incomplete;
}

Status Repository::verify_commit(const std::string& commit, const ProgressSink& progress,
                                 CheckedCommit& found) const {
  found = {};
  CUBE_TRY(const auto name, parse_sha256(commit));
  CUBE_TRY(auto reader, ObjectReader::open(path_, Reading::from_device));
  // What a damaged folder lists is not looked for.
  const FindTree find = [&](const ObjectId& id) -> Result<glib::Variant> {
    auto loaded = reader.tree_object(id);
    if (loaded) return loaded;
    found.damaged.push_back(id);
    return Error{Errc::corrupt, "damaged " + describe(id) + ": " + loaded.error().what};
  };
  CUBE_TRY(const auto objects, walk_commit(name, find));
  std::vector<ObjectId> ids;
  for (const auto& object : objects) ids.push_back({object.kind, object.name});
  std::optional<Error> first;
  const auto note = [&](const ObjectId& id, const Error& error) {
    const auto object = std::find_if(objects.begin(), objects.end(), [&](const auto& candidate) {
      return candidate.name == id.name && candidate.kind == id.kind;
    });
    if (!first)
      first = Error{Errc::corrupt,
                    "damaged " + describe(id) + " (" + object->path + "): " + error.what};
    found.damaged.push_back(id);
    return true;
  };
  CUBE_TRY(const auto checked,
           check_objects(path_, ids, Reading::from_device, "verify", progress, note));
  for (std::size_t i = 0; i < ids.size(); ++i)
    if (ids[i].kind == ObjectKind::file)
      found.files[ids[i].name] = {checked[i].device, checked[i].inode};
  return first ? Status(*first) : ok();
}

Status Repository::mark_complete(const std::string& commit) {
  ErrorOut error;
  if (ostree_repo_mark_commit_partial(repo_, commit.c_str(), FALSE, error.out())) return ok();
  return error.translate("repository " + path_);
}

Result<bool> Repository::has_commit(const std::string& commit) const {
  ErrorOut error;
  return ostree_repo_fsck_object(repo_, OSTREE_OBJECT_TYPE_COMMIT, commit.c_str(), nullptr,
                                 error.out()) != FALSE;
}

}  // namespace cube
