#include "release/old_paths.h"

#include <algorithm>

namespace cube {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Each run of digits, with the dots inside of it, is one '#'.
std::string without_numbers(const std::string& path) {
  std::string plain;
  for (std::size_t i = 0; i < path.size();) {
    if (!is_digit(path[i])) {
      plain += path[i++];
      continue;
    }
    plain += '#';
    while (i < path.size() &&
           (is_digit(path[i]) || (path[i] == '.' && i + 1 < path.size() && is_digit(path[i + 1]))))
      ++i;
  }
  return plain;
}

std::string name_of(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

// How many characters two paths share at both ends.
std::size_t shared(const std::string& left, const std::string& right) {
  const auto begin = std::mismatch(left.begin(), left.end(), right.begin(), right.end()).first;
  const auto end = std::mismatch(left.rbegin(), left.rend(), right.rbegin(), right.rend()).first;
  return static_cast<std::size_t>((begin - left.begin()) + (end - left.rbegin()));
}

}  // namespace

void OldPaths::add(const std::string& path, std::uint32_t file) {
  same_[path] = file;
  const auto plain = without_numbers(path);
  without_numbers_.insert({plain, {path, file}});
  names_.insert({name_of(plain), {path, file}});
}

// Those of `named` that are most like the path come first.
void OldPaths::take(const Named& named, const std::string& key, const std::string& path,
                    std::vector<std::uint32_t>& found) {
  const auto [first, last] = named.equal_range(key);
  std::vector<std::pair<std::size_t, const Old*>> likely;
  for (auto each = first; each != last; ++each)
    likely.emplace_back(shared(each->second.path, path), &each->second);
  std::sort(likely.begin(), likely.end(), [](const auto& left, const auto& right) {
    return left.first != right.first ? left.first > right.first
                                     : left.second->path < right.second->path;
  });
  for (const auto& [likeness, old] : likely) {
    if (found.size() == most_candidates) return;
    if (std::find(found.begin(), found.end(), old->file) == found.end()) found.push_back(old->file);
  }
}

std::vector<std::uint32_t> OldPaths::candidates(const std::string& path) const {
  std::vector<std::uint32_t> found;
  if (const auto same = same_.find(path); same != same_.end()) return {same->second};
  const auto plain = without_numbers(path);
  take(without_numbers_, plain, path, found);
  if (found.empty()) take(names_, name_of(plain), path, found);
  return found;
}

}  // namespace cube
