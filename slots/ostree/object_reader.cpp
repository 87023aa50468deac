#include "slots/ostree/object_reader.h"

#include "slots/ostree/object_stream.h"

namespace cube {
namespace {

// Takes an object and keeps nothing.
class Nowhere final : public ObjectSink {
 public:
  Status begin(const PackObject& object) override {
    length_ = object.length;
    return ok();
  }
  Status write(std::string_view) override { return ok(); }
  Status end() override { return ok(); }
  Status lose() override { return ok(); }
  [[nodiscard]] std::uint64_t length() const { return length_; }

 private:
  std::uint64_t length_ = 0;
};

// Metadata with the right name, but without the structure that libostree relies on.
Status check_structure(OstreeRepo* repository, const ObjectId& id) {
  if (id.kind == ObjectKind::file) return ok();
  glib::ErrorOut error;
  GVariant* raw = nullptr;
  const bool loaded = ostree_repo_load_variant(repository, type_of(id.kind),
                                               to_hex(id.name).c_str(), &raw, error.out()) != FALSE;
  const glib::Variant variant(raw);
  const bool sound =
      loaded &&
      (id.kind == ObjectKind::commit ? ostree_validate_structureof_commit(raw, error.out()) != FALSE
       : id.kind == ObjectKind::dirtree
           ? ostree_validate_structureof_dirtree(raw, error.out()) != FALSE
           : ostree_validate_structureof_dirmeta(raw, error.out()) != FALSE);
  if (sound) return ok();
  return Error{Errc::corrupt, error.translate("structure").what};
}

}  // namespace

struct ObjectReader::State {
  glib::Object<OstreeRepo> repository;
  Sha256Hasher hasher{};
  ObjectStream::Buffer buffer{};
};

ObjectReader::ObjectReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
ObjectReader::ObjectReader(ObjectReader&&) noexcept = default;
ObjectReader& ObjectReader::operator=(ObjectReader&&) noexcept = default;
ObjectReader::~ObjectReader() = default;

Result<ObjectReader> ObjectReader::open(const std::string& repository) {
  glib::ErrorOut error;
  const auto file = glib::file(repository);
  auto state = std::make_unique<State>();
  state->repository.reset(ostree_repo_new(file.get()));
  if (!ostree_repo_open(state->repository.get(), nullptr, error.out()))
    return error.translate("repository " + repository);
  return ObjectReader(std::move(state));
}

Status ObjectReader::read(const ObjectId& id, ObjectSink& sink) {
  CUBE_CHECK(check_structure(state_->repository.get(), id));
  CUBE_TRY(auto stream, ObjectStream::open(state_->repository.get(), id, state_->buffer));
  (void)state_->hasher.finish();  // what a read that failed left behind
  CUBE_CHECK(sink.begin({id.kind, id.name, stream.length()}));
  for (;;) {
    CUBE_TRY(const auto piece, stream.next());
    if (piece.empty()) break;
    state_->hasher.update(piece);
    CUBE_CHECK(sink.write(piece));
  }
  if (state_->hasher.finish() != id.name)
    return Error{Errc::corrupt, "its content has another checksum"};
  return sink.end();
}

Result<std::uint64_t> ObjectReader::check(const ObjectId& id) {
  Nowhere nowhere;
  CUBE_CHECK(read(id, nowhere));
  return nowhere.length();
}

}  // namespace cube
