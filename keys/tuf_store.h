// TufStore: the verified metadata of earlier runs, one file a role, named after it ("root.json").
// What it gives back is not trusted: its reader verifies it again.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

class TufStore {
 public:
  enum class Writes {
    together,  // at commit(): a run that fails leaves nothing behind
    at_once,   // each document as it is verified, as the specification has it
    never,     // for who only looks
  };
  // `root` outlives the store.
  TufStore(const RootDir& root, std::string folder, Writes writes);

  // Nothing when there is no readable file of at most max_bytes.
  [[nodiscard]] std::optional<std::string> read(const std::string& role,
                                                std::size_t max_bytes) const;
  // Errors of all: no_space, failed.
  Status keep(const std::string& role, const std::string& text);
  Status forget_all_but_root();
  // What is to be forgotten first, then files in the order of keep(). Each is replaced whole; a
  // power cut in between leaves a mixture of which every part is verified again.
  Status commit();

 private:
  [[nodiscard]] std::string path_of(const std::string& role) const;
  Status write(const std::string& role, const std::string& text) const;
  [[nodiscard]] Status remove_all_but_root() const;

  const RootDir* root_;
  std::string folder_;
  Writes writes_;
  bool forgetting_ = false;
  std::vector<std::pair<std::string, std::string>> kept_;  // role and text
};

}  // namespace cube
