#include <filesystem>

#include "agent/cli/commands.h"

namespace cube::cli {

std::string absolute_place(const std::string& place) {
  if (place.empty() || place.find("://") != std::string::npos) return place;
  std::error_code ignored;
  return std::filesystem::absolute(place, ignored).lexically_normal().string();
}

}  // namespace cube::cli
