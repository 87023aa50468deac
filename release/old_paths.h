// OldPaths: which file of an older release a file was, by its path. Pure.
//
// The same path; else the same but for its numbers, as in /usr/lib/modules/6.1.0-47-amd64/ or
// libssl.so.1.1.2; else another folder's file of that name.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace cube {

class OldPaths {
 public:
  // `file`: a number of the caller's.
  void add(const std::string& path, std::uint32_t file);
  // Likely ones, the likeliest first, each once; at most `most_candidates`.
  [[nodiscard]] std::vector<std::uint32_t> candidates(const std::string& path) const;

  static constexpr std::size_t most_candidates = 3;

 private:
  struct Old {
    std::string path;
    std::uint32_t file = 0;
  };
  using Named = std::multimap<std::string, Old>;
  static void take(const Named& named, const std::string& key, const std::string& path,
                   std::vector<std::uint32_t>& found);

  std::map<std::string, std::uint32_t> same_;
  Named without_numbers_;
  Named names_;
};

}  // namespace cube
