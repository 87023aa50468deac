// The cpio archives of an initramfs image: every position that comes out lies in the file and
// behind the last one, and names are bounded.
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/io.h"
#include "slots/initramfs/cpio_image.h"
#include "tests/fuzz/demand.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube;
  const Fd file(::memfd_create("initramfs", MFD_CLOEXEC));
  demand(file.get() >= 0);
  demand(bool(write_all(file, {reinterpret_cast<const char*>(data), size})));
  const auto image = CpioImage::open(file, "image");
  demand(image && image->size() == size);
  const auto on_member = [size_of_image = size](const CpioImage::Member& member) -> Status {
    demand(member.name.size() < 4096 && member.at <= size_of_image && member.size <= size_of_image - member.at);
    return ok();
  };
  for (std::uint64_t at = 0; at < size;) {
    const auto start = image->after_zeros(at);
    demand(start && *start >= at && *start <= size);
    if (*start == size) break;
    const auto end = image->after_cpio(*start, on_member);
    if (!end) break;
    demand(*end > *start && *end <= size);
    at = *end;
  }
  return 0;
}
