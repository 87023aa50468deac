// What a web server says, line by line and piece by piece, to one request after the other for the
// same document. The first byte of the input is the document's limit; then each line ends at '\n',
// and a line that begins with '\0' is a piece of a body, '\1' the end of a connection.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/http/answer.h"
#include "tests/fuzz/demand.h"

using cube::demand;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t max_bytes = data[0];
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  cube::PartialDocument document;
  std::optional<cube::Answer> answer(std::in_place, document, max_bytes);
  bool goes_on = true;
  while (!rest.empty()) {
    const auto line =
        rest.substr(0, rest.find('\n') == rest.npos ? rest.size() : rest.find('\n') + 1);
    rest.remove_prefix(line.size());
    if (line[0] == '\1') {
      answer->give_up();
      demand(document.bytes.empty() || document.can_be_continued());
      answer.emplace(document, max_bytes);
      goes_on = true;
    } else if (goes_on) {
      const auto before = document.bytes;
      goes_on = line[0] == '\0' ? answer->take_body(line.substr(1)) : answer->take_head(line);
      if (line[0] == '\0' && answer->is_document())
        demand(document.bytes == before || document.bytes == before + std::string(line.substr(1)));
      if (!answer->is_document() && line[0] == '\0') demand(document.bytes == before);
    }
    demand(document.bytes.size() <= max_bytes);
    demand(document.entity_tag.size() <= 256);
    demand(document.entity_tag.find_first_of(" \r\n") == std::string::npos);
    demand(answer->status() >= 0 && answer->status() <= 999);
  }
  return 0;
}
