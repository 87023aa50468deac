#include "insight/fit/processor.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>

#include "insight/lines.h"
#include "insight/machine/proc_lists.h"

namespace cube::insight {
namespace {

Names words_of(std::string_view text) {
  const auto words = words_in(text);
  return {words.begin(), words.end()};
}

// x86-64 psABI, "Micro-Architecture Levels", in the words of cpuinfo (Linux,
// arch/x86/include/asm/cpufeatures.h): SSE3 is "pni", LZCNT is "abm"; OSXSAVE shows as "xsave".
constexpr std::array<std::string_view, 4> level_flags = {
    "cmov cx8 fpu fxsr lm mmx sse sse2 syscall",
    "cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3",
    "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave",
    "avx512bw avx512cd avx512dq avx512f avx512vl",
};

}  // namespace

Processor parse_cpuinfo(std::string_view text) {
  Processor found;
  bool first = true;
  std::string_view last_line;
  each_line(text, [&](std::string_view line) {
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return;
    const auto key = trimmed(line.substr(0, colon));
    const auto value = trimmed(line.substr(colon + 1));
    if (key == "vendor_id" && found.vendor.empty()) found.vendor = readable(value);
    if (key == "microcode" && found.microcode.empty()) found.microcode = readable(value);
    // Most machines have the same line again and again.
    if (key != "flags" || line == last_line) return;
    last_line = line;
    auto flags = words_of(value);
    if (!first)
      std::erase_if(found.flags, [&](const auto& flag) { return flags.count(flag) == 0; });
    else
      found.flags = std::move(flags);
    first = false;
  });
  return found;
}

std::vector<std::string> lacking_for_level(int level, const Names& flags) {
  std::vector<std::string> lacking;
  for (int one = 1; one <= level && one <= static_cast<int>(level_flags.size()); ++one)
    for (const auto& flag : words_of(level_flags[static_cast<std::size_t>(one - 1)]))
      if (flags.count(flag) == 0) lacking.push_back(flag);
  return lacking;
}

std::string level_name(int level) {
  return level <= 1 ? "x86-64" : "x86-64-v" + std::to_string(level);
}

std::optional<int> level_of_distribution(std::string_view os_release) {
  Names likes;
  unsigned version = 0;
  each_line(os_release, [&](std::string_view line) {
    const auto equals = line.find('=');
    if (equals == std::string_view::npos) return;
    const auto key = line.substr(0, equals);
    auto value = trimmed(line.substr(equals + 1));
    if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
        value.back() == value.front())
      value = value.substr(1, value.size() - 2);
    if (key == "ID" || key == "ID_LIKE") likes.merge(words_of(value));
    if (key == "VERSION_ID")
      std::from_chars(value.data(),
                      std::next(value.data(), static_cast<std::ptrdiff_t>(value.size())), version);
  });
  // Fedora, which Enterprise Linux is like, is for level 1, and counts far beyond 10.
  if (likes.count("rhel") + likes.count("centos") + likes.count("ol") == 0) return std::nullopt;
  if (version < 8 || version > 10) return std::nullopt;
  return version == 8 ? 1 : version == 9 ? 2 : 3;
}

}  // namespace cube::insight
