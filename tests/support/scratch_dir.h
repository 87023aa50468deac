// A temporary folder that goes with its object.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "base/root_dir.h"

namespace cube {

class ScratchDir {
 public:
  ScratchDir() {
    std::string pattern = std::filesystem::temp_directory_path() / "cube-test-XXXXXX";
    path_ = ::mkdtemp(pattern.data());
  }
  ~ScratchDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDir(const ScratchDir&) = delete;
  ScratchDir& operator=(const ScratchDir&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] RootDir root() const { return RootDir::open(path_).value(); }

 private:
  std::string path_;
};

}  // namespace cube
