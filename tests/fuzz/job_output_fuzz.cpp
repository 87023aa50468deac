// What a run of cube-update says to the service: no crash, no text for a terminal, and nothing that
// D-Bus would not take.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "agent/bus/facts.h"
#include "agent/bus/job_output.h"
#include "tests/fuzz/demand.h"

namespace {

using cube::demand;

void check(const std::string& text) {
  demand(text.size() <= 512);
  demand(std::all_of(text.begin(), text.end(),
                     [](char c) { return static_cast<unsigned char>(c) >= 0x20 && c != 0x7f; }));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cube::LineCutter cutter;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = 0; at < size; at += 5)
    for (const auto& line : cutter.add(bytes.substr(at, 5))) {
      demand(line.find('\n') == std::string::npos);
      const auto event = cube::parse_event(line);
      if (!event) continue;
      for (const auto* text : {&event->phase, &event->error, &event->progress.stage}) check(*text);
      const auto part = cube::percent(event->progress);
      demand(part >= 0 && part <= 100);
      const auto facts = cube::facts_of(event->result);
      for (const auto* text : {&facts.problem, &facts.phase, &facts.update, &facts.waits,
                               &facts.a.release, &facts.boot_records})
        check(*text);
    }
  return 0;
}
