// Is the slot that runs still a way back, once a trial of the other one has failed? Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "insight/finding.h"
#include "insight/fit/kernel_image.h"

namespace cube::insight {

struct FallbackFacts {
  std::string slot;  // that runs: "a"
  // Whether the loader's records name it as the fallback.
  Result<bool> is_fallback = Error{Errc::failed, "was not asked"};
  // The release that its seal names; nullopt: it has none.
  Result<std::optional<std::string>> seal = Error{Errc::failed, "was not asked"};
  // The files that start it: what reading each to its last byte gave.
  struct File {
    std::string path;
    Status read;
  };
  std::vector<File> files;
  std::string running_kernel;  // as `uname -r`
  Result<KernelImage> kernel = Error{Errc::failed, "was not looked at"};
  // Kernels that the slot has modules for. nullopt: not known.
  std::optional<std::vector<std::string>> with_modules;
};

// "fallback:records", "fallback:seal", "fallback:boot/vmlinuz", "fallback:kernel"; one good
// finding, "fallback:slot", when nothing is wrong.
[[nodiscard]] Findings fallback_findings(const FallbackFacts& facts);

}  // namespace cube::insight
