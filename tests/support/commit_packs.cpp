#include "tests/support/commit_packs.h"

#include <map>
#include <stdexcept>

#include "slots/ostree/commit_objects.h"
#include "slots/ostree/file_header.h"
#include "tests/support/delta_packs.h"
#include "tests/support/scratch_dir.h"

namespace cube {
namespace {

constexpr PackOptions options{3, 1, 1000};
constexpr std::size_t max_pack_bytes = 1 << 20;

template <typename T>
T value_of(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().what);
  return std::move(result).value();
}

CommitPack read_back(const ScratchDir& dir, const std::string& name, const WrittenPack& written) {
  const auto bytes = value_of(dir.root().read_file(name, max_pack_bytes));
  return {{name, bytes.size(), to_hex(sha256(bytes)), written.place.offset, written.place.length,
           to_hex(written.index_sha256)},
          bytes};
}

std::string content_of(const std::string& file_object) {
  return file_object.substr(value_of(header_length(file_object.substr(0, header_prefix_bytes))));
}

}  // namespace

CommitPack full_pack_of(const std::string& repository, const std::string& commit) {
  const ScratchDir dir;
  const auto objects = value_of(CommitObjects::open(repository, commit));
  const Fd file = new_file(dir.path() + "/full.pack");
  const auto writer = value_of(PackWriter::make(file, value_of(parse_sha256(commit)), options));
  for (const auto& object : objects.list()) value_of(objects.read(object, *writer));
  return read_back(dir, "full.pack", value_of(writer->finish()));
}

CommitPack delta_of(const std::string& repository, const std::string& older,
                    const std::string& commit) {
  const auto old_objects = value_of(CommitObjects::open(repository, older));
  KeptObjects kept;
  KeptBases bases;
  std::map<std::string, Base> old_files;  // by path
  for (const auto& object : old_objects.list()) {
    value_of(old_objects.read(object, kept));
    if (object.kind != ObjectKind::file) continue;
    const auto content = content_of(kept.whole.at(describe(object.kind, object.name)));
    bases.contents[object.name] = content;
    if (!content.empty()) old_files[object.path] = {object.name, content.size()};
  }
  const ScratchDir dir;
  const auto objects = value_of(CommitObjects::open(repository, commit));
  const Fd file = new_file(dir.path() + "/delta.pack");
  const auto writer = value_of(PackWriter::make_delta(file, value_of(parse_sha256(commit)), options,
                                                      value_of(parse_sha256(older)), bases));
  for (const auto& object : objects.list()) {
    if (kept.whole.contains(describe(object.kind, object.name))) continue;
    const auto base = old_files.find(object.path);
    const bool is_made_of_it = object.kind == ObjectKind::file && base != old_files.end();
    writer->base_next_on(is_made_of_it ? std::vector<BaseWindows>{{all_of(base->second)}}
                                       : std::vector<BaseWindows>{});
    value_of(objects.read(object, *writer));
  }
  auto made = read_back(dir, "delta.pack", value_of(writer->finish()));
  made.pack.from = older;
  return made;
}

}  // namespace cube
