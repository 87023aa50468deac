// Reads one document in hex from each line, and writes its canonical form in hex, or "refused".
#include <cstdio>
#include <iostream>
#include <string>

#include "base/digest.h"
#include "base/json.h"

int main() {
  for (std::string line; std::getline(std::cin, line);) {
    const auto text = cube::from_hex(line);
    if (!text) return 2;
    const auto json = cube::Json::parse(*text);
    const auto canonical = json ? json->canonical() : std::string();
    std::puts(json ? cube::to_hex(canonical.data(), canonical.size()).c_str() : "refused");
  }
  return 0;
}
