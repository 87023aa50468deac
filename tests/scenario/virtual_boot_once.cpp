// One virtual boot of a slot that is a tree and an image of it, for tests: no appliance is needed.
//
// Usage: virtual_boot_once ROOT TREE IMAGE SECONDS [MEMORY-MIB]
//   ROOT has usr/bin/qemu-system-x86_64 and var/tmp; IMAGE is a path below ROOT. Prints the result
//   as one line of JSON; the console goes to ROOT/console.
#include <cstdio>
#include <cstdlib>

#include "agent/virtual_boot/virtual_boot_record.h"
#include "base/durable_file.h"

namespace {

cube::Result<cube::VirtualBoot> play(int count, char** words) {
  using namespace cube;
  CUBE_TRY(const auto root, RootDir::open(words[1]));
  CUBE_TRY(const auto tree, RootDir::open(words[2]));
  VirtualBootLimits limits;
  limits.time = limits.emulated_time = std::chrono::seconds(std::atoi(words[4]));
  limits.memory_mib = count > 5 ? std::atoi(words[5]) : 512;
  CUBE_TRY(const auto parts, take_parts(root, SlotId::b, tree, words[3]));
  CUBE_TRY(auto run, boot_virtually(root, parts, limits, [](const Progress&) {}));
  CUBE_CHECK(replace_file(root, "console", run.console));
  return std::move(run.result);
}

}  // namespace

int main(int count, char** words) {
  if (count < 5) return 2;
  const auto boot = play(count, words);
  if (!boot) {
    std::fprintf(stderr, "%s\n", boot.error().what.c_str());
    return 1;
  }
  std::printf("%s\n", cube::virtual_boot_json(*boot).line().c_str());
}
