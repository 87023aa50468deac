// What a release is held against a machine by: programs, kernels, processors, arguments, SBAT and
// lists of signatures. No crash, and nothing that is past its bounds.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "insight/fit/argument_fit.h"
#include "insight/fit/elf_needs.h"
#include "insight/fit/filesystem_features.h"
#include "insight/fit/kernel_image.h"
#include "insight/fit/processor.h"
#include "insight/fit/sbat.h"
#include "insight/fit/signature_lists.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::insight;
  using cube::demand;
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  if (const auto needs = elf_needs(bytes)) demand(needs->level >= 0 && needs->level <= 4);
  if (const auto image = kernel_image(bytes)) demand(image->release.find(' ') == std::string::npos);
  for (const auto& flag : parse_cpuinfo(bytes).flags) demand(!flag.empty());
  if (const auto level = level_of_distribution(bytes)) demand(*level >= 1 && *level <= 3);
  demand(parse_arguments(bytes).size() <= 1000);
  (void)linux_version(bytes);
  if (const auto sbat = parse_sbat(bytes)) {
    demand(!sbat->empty());
    if (const auto level = parse_sbat_level(bytes))
      demand(too_old(*sbat, *level).size() <= 500 * 500);
  }
  (void)parse_shim_levels(bytes);
  if (const auto lists = parse_signature_lists(bytes))
    demand(lists->sha256.size() + lists->certificates.size() + lists->others <= size);
  if (const auto subject = subject_of(bytes))
    demand(bytes.find(*subject) != std::string_view::npos && !subject->empty());
  return 0;
}
