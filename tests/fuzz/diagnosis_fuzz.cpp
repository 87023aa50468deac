// A foreign log: no crash; every text of the diagnosis is short and printable.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "boot/postmortem/diagnosis.h"

namespace {

void demand_plain(const std::string& text) {
  if (text.size() > cube::max_line) std::abort();
  for (const char c : text)
    if (c < ' ' || c > '~') std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view log(reinterpret_cast<const char*>(data), size);
  auto diagnosis = cube::diagnose(log);
  cube::add_marks(log, diagnosis);
  if (diagnosis.evidence.size() > cube::max_evidence) std::abort();
  if (diagnosis.trace.size() > cube::max_trace) std::abort();
  for (const auto* text : {&diagnosis.cause, &diagnosis.kernel, &diagnosis.panic, &diagnosis.module,
                           &diagnosis.device, &diagnosis.filesystem, &diagnosis.reached})
    demand_plain(*text);
  for (const auto& line : diagnosis.evidence) demand_plain(line);
  for (const auto& line : diagnosis.trace) demand_plain(line);
  if (cube::parse_stage(cube::to_string(diagnosis.stage)) != diagnosis.stage) std::abort();
  return 0;
}
