// Runs a fuzz target over its corpus without libFuzzer: each file, all of its truncations, and each
// of its bytes changed in a few ways. A failure aborts; an empty corpus fails.
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

constexpr std::size_t max_positions = 800;  // of one file; the others are skipped evenly

std::size_t runs = 0;

void run(const std::string& input) {
  ++runs;
  // A copy of exactly this size, so that a read beyond the end is noticed.
  const std::basic_string<std::uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

void run_around(const std::string& whole) {
  run(whole);
  const std::size_t step = whole.size() / max_positions + 1;
  for (std::size_t at = 0; at < whole.size(); at += step) {
    run(whole.substr(0, at));
    for (const int mask : {0x01, 0x20, 0x80, 0xff}) {
      auto changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ mask);
      run(changed);
    }
    for (const char other : {'\0', '"', '{', '[', '9', '-', '%', '=', '\n'}) {
      auto changed = whole;
      changed[at] = other;
      run(changed);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream stream(entry.path(), std::ios::binary);
    run_around({std::istreambuf_iterator<char>(stream), {}});
    ++files;
  }
  std::printf("%zu files, %zu inputs\n", files, runs);
  return files == 0 ? 1 : 0;
}
