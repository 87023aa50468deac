#include "release/pack_sizes.h"

#include <algorithm>
#include <map>

namespace cube {
namespace {

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

}  // namespace

std::vector<FolderSize> folder_sizes(const PackIndex& index,
                                     const std::vector<CommitObject>& objects) {
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

}  // namespace cube
