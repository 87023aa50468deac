#include "model/release.h"

#include <algorithm>
#include <vector>

#include "model/name.h"

namespace cube {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  for (;;) {
    const auto end = text.find(separator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string::npos) return parts;
    start = end + 1;
  }
}

bool all_of(const std::string& text, bool (*accepts)(char)) {
  return !text.empty() && std::all_of(text.begin(), text.end(), accepts);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f');
}
bool is_product(char c) {
  return is_ascii_alnum(c) || c == '+' || c == '-';
}

bool is_build_time(const std::string& text) {
  return text.size() == 13 && text[8] == '-' && all_of(text.substr(0, 8), is_digit) &&
         all_of(text.substr(9), is_digit);
}

}  // namespace

Result<ReleaseName> ReleaseName::parse(const std::string& text) {
  const Error wrong{Errc::invalid,
                    "not a release name of the form PRODUCT_VERSION_YYYYMMDD-HHMM_COMMIT"};
  if (!is_safe_name(text)) return wrong;
  const auto parts = split(text, '_');
  if (parts.size() != 4 || !all_of(parts[0], is_product) || !is_build_time(parts[2]) ||
      !all_of(parts[3], is_hex) || parts[3].size() < 4 || parts[3].size() > 40)
    return wrong;
  auto version = Version::parse(parts[1]);
  if (!version) return wrong;
  return ReleaseName{text, parts[0], *version, parts[2], parts[3]};
}

UnixSeconds built_at(const ReleaseName& name) {
  const auto& b = name.built;
  if (b.size() != 13) return 0;
  const auto time = parse_utc(b.substr(0, 4) + "-" + b.substr(4, 2) + "-" + b.substr(6, 2) + "T" +
                              b.substr(9, 2) + ":" + b.substr(11, 2) + ":00Z");
  return time ? *time : 0;
}

int compare_age(const ReleaseName& left, const ReleaseName& right) {
  if (left.version != right.version) return left.version < right.version ? -1 : 1;
  const int built = left.built.compare(right.built);
  return built < 0 ? -1 : built > 0 ? 1 : 0;
}

}  // namespace cube
