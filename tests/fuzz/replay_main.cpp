// Feeds each file of a corpus, and every truncation of it, to a fuzz target: the fuzzing of every
// day, with any compiler. Of files over 4 KiB the truncations are taken in strides.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t truncations_of_one_file = 4096;

using Bytes = std::vector<std::uint8_t>;

// A copy of exactly that size, so that a sanitizer sees the first byte too much.
void feed(const Bytes& bytes, std::size_t size) {
  const Bytes exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
  LLVMFuzzerTestOneInput(exact.data(), exact.size());
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t files = 0;
  std::size_t inputs = 0;
  for (int i = 1; i < argc; ++i)
    for (const auto& entry : std::filesystem::directory_iterator(argv[i])) {
      std::ifstream in(entry.path(), std::ios::binary);
      const Bytes bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
      std::printf("%s\n", entry.path().filename().c_str());
      std::fflush(stdout);
      const std::size_t stride = std::max<std::size_t>(1, bytes.size() / truncations_of_one_file);
      for (std::size_t size = 0; size < bytes.size(); size += stride, ++inputs) feed(bytes, size);
      feed(bytes, bytes.size());
      ++inputs;
      ++files;
    }
  std::printf("%zu files, %zu inputs\n", files, inputs);
  return files >= 3 ? 0 : 1;  // a corpus that is not found must not pass
}
