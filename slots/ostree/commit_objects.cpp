#include "slots/ostree/commit_objects.h"

#include "slots/ostree/commit_walk.h"
#include "slots/ostree/object_stream.h"
#include "slots/ostree/repository.h"

namespace cube {

struct CommitObjects::Source {
  Repository repository;
  ObjectStream::Buffer buffer{};
};

CommitObjects::CommitObjects(std::unique_ptr<Source> source, std::vector<CommitObject> list,
                             std::vector<CommitPath> paths)
    : source_(std::move(source)), list_(std::move(list)), paths_(std::move(paths)) {}
CommitObjects::CommitObjects(CommitObjects&&) noexcept = default;
CommitObjects& CommitObjects::operator=(CommitObjects&&) noexcept = default;
CommitObjects::~CommitObjects() = default;

Result<CommitObjects> CommitObjects::open(const std::string& repository,
                                          const std::string& commit) {
  CUBE_TRY(const auto name, parse_sha256(commit));
  CUBE_TRY(auto opened, Repository::open_archive(repository, false));
  std::vector<CommitPath> paths;
  CUBE_TRY(auto list, walk_commit(name, find_in(opened.native()), &paths));
  return CommitObjects(std::make_unique<Source>(Source{std::move(opened)}), std::move(list),
                       std::move(paths));
}

Status CommitObjects::read(const CommitObject& object, ObjectSink& sink) const {
  const auto damaged = [&](Error error) {
    return std::move(error).in(describe(object.kind, object.name));
  };
  auto stream =
      ObjectStream::open(source_->repository.native(), {object.kind, object.name}, source_->buffer);
  if (!stream) return damaged(std::move(stream).error());
  CUBE_CHECK(sink.begin({object.kind, object.name, stream->length()}));
  for (;;) {
    const auto piece = stream->next();
    if (!piece) return damaged(piece.error());
    if (piece->empty()) return sink.end();
    CUBE_CHECK(sink.write(*piece));
  }
}

}  // namespace cube
