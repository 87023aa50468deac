#include "slots/ostree/object_reader.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/mutation.h"
#include "slots/ostree/bare_files.h"
#include "slots/ostree/bare_stream.h"
#include "slots/ostree/object_stream.h"

namespace cube {
namespace {

constexpr std::uint64_t max_tree_object_bytes = OSTREE_MAX_METADATA_SIZE;

// Takes an object and keeps nothing.
class Nowhere final : public ObjectSink {
 public:
  Status begin(const PackObject&) override { return ok(); }
  Status write(std::string_view) override { return ok(); }
  Status end() override { return ok(); }
  Status lose() override { return ok(); }
};

const GVariantType* format_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::commit:
      return OSTREE_COMMIT_GVARIANT_FORMAT;
    case ObjectKind::dirtree:
      return OSTREE_TREE_GVARIANT_FORMAT;
    default:
      return OSTREE_DIRMETA_GVARIANT_FORMAT;
  }
}

// Metadata can have the right name, and not the structure that libostree relies on.
Result<glib::Variant> parse(ObjectKind kind, const std::string& bytes) {
  GBytes* copy = g_bytes_new(bytes.data(), bytes.size());
  glib::Variant variant(g_variant_ref_sink(g_variant_new_from_bytes(format_of(kind), copy, FALSE)));
  g_bytes_unref(copy);
  glib::ErrorOut error;
  const bool sound = kind == ObjectKind::commit
                         ? ostree_validate_structureof_commit(variant.get(), error.out())
                     : kind == ObjectKind::dirtree
                         ? ostree_validate_structureof_dirtree(variant.get(), error.out())
                         : ostree_validate_structureof_dirmeta(variant.get(), error.out());
  if (sound) return variant;
  return Error{Errc::corrupt, error.translate("structure").what};
}

}  // namespace

struct ObjectReader::State {
  glib::Object<OstreeRepo> repository;
  Reading reading = Reading::cached;
  bool bare = false;  // inodes have what objects say
  Fd objects;         // the folder, where files have the bytes of objects
  Sha256Hasher hasher{};
  glib::Variant tree_object{};  // the last one that was read
  ObjectStream::Buffer buffer{};

  template <typename Stream>
  Status give(Stream& stream, const ObjectId& id, ObjectSink& sink) {
    const bool is_file = id.kind == ObjectKind::file;
    if (!is_file && stream.length() > max_tree_object_bytes)
      return Error{Errc::corrupt, "is larger than any of its kind"};
    std::string all;
    (void)hasher.finish();  // what a read that failed left behind
    CUBE_CHECK(sink.begin({id.kind, id.name, stream.length()}));
    for (;;) {
      CUBE_TRY(const auto piece, stream.next());
      if (piece.empty()) break;
      hasher.update(piece);
      if (!is_file) all += piece;
      CUBE_CHECK(sink.write(piece));
    }
    if (hasher.finish() != id.name && !mutated("object-not-hashed"))
      return Error{Errc::corrupt, "its content has another checksum"};
    if (!is_file) {
      CUBE_TRY(tree_object, parse(id.kind, all));
    }
    return sink.end();
  }

  Result<CheckedObject> read(const ObjectId& id, ObjectSink& sink) {
    if (bare) {
      CUBE_TRY(auto stream, BareStream::open(objects, id, reading, buffer));
      CUBE_CHECK(give(stream, id, sink));
      return CheckedObject{stream.length(), stream.inode().device, stream.inode().inode};
    }
    CUBE_TRY(auto stream, ObjectStream::open(repository.get(), id, buffer));
    CUBE_CHECK(give(stream, id, sink));
    struct stat st {};
    if (objects.valid() && ::fstatat(objects.get(), bare_file(id).c_str(), &st, 0) != 0)
      return Error{Errc::corrupt, system_error("stat").what};
    return CheckedObject{stream.length(), st.st_dev, st.st_ino};
  }
};

ObjectReader::ObjectReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader& ObjectReader::operator=(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

Result<ObjectReader> ObjectReader::open(const std::string& repository, Reading reading) {
  glib::ErrorOut error;
  const auto file = glib::file(repository);
  auto state = std::make_unique<State>();
  state->reading = reading;
  state->repository.reset(ostree_repo_new(file.get()));
  if (!ostree_repo_open(state->repository.get(), nullptr, error.out()))
    return error.translate("repository " + repository);
  const auto mode = ostree_repo_get_mode(state->repository.get());
  state->bare = mode == OSTREE_REPO_MODE_BARE;
  if (state->bare || mode == OSTREE_REPO_MODE_BARE_USER) {
    state->objects =
        Fd(::open((repository + "/objects").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!state->objects.valid()) return system_error("open " + repository + "/objects");
  }
  return ObjectReader(std::move(state));
}

Status ObjectReader::read(const ObjectId& id, ObjectSink& sink) {
  CUBE_CHECK(state_->read(id, sink));
  return ok();
}

Result<CheckedObject> ObjectReader::check(const ObjectId& id) {
  Nowhere nowhere;
  return state_->read(id, nowhere);
}

Result<glib::Variant> ObjectReader::tree_object(const ObjectId& id) {
  Nowhere nowhere;
  CUBE_CHECK(state_->read(id, nowhere));
  return std::move(state_->tree_object);
}

}  // namespace cube
