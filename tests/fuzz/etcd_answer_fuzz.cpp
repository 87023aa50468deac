// What etcd's gateway answers. The first byte says to what: a reading, a transaction, a login,
// questions about the cluster, or a refusal. What is believed is within its bounds, in order, and
// of no later revision than the store.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/fleet/etcd_members.h"
#include "agent/fleet/etcd_messages.h"
#include "base/base64.h"
#include "tests/fuzz/demand.h"

namespace cube::fleet {
namespace {

const std::string prefix = "g/";

void check(const Reading& reading) {
  demand(reading.cluster != 0 && reading.revision > 0);
  demand(reading.entries.size() <= max_entries);
  std::size_t bytes = 0;
  const std::string* last = nullptr;
  for (const auto& entry : reading.entries) {
    demand(entry.key.starts_with(prefix) && entry.key.size() <= max_key_bytes);
    demand(entry.value.size() <= max_value_bytes);
    demand(entry.created > 0 && entry.created <= entry.modified);
    demand(entry.modified <= reading.revision);
    demand(last == nullptr || *last < entry.key);
    last = &entry.key;
    bytes += entry.key.size() + entry.value.size();
  }
  demand(bytes <= max_reading_bytes);
}

void check_text(const std::string& text, std::size_t most) {
  demand(text.size() <= most);
  demand(std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; }));
}

void check_outcome(std::string_view answer) {
  const Transaction transaction{{}, {{Change::Kind::put, "g/a", "x"}}, prefix};
  if (const auto outcome = outcome_in(answer, transaction)) check(outcome->reading);
  Transaction blind = transaction;
  blind.shows.clear();
  if (const auto outcome = outcome_in(answer, blind)) demand(outcome->reading.entries.empty());
}

void check_reports(std::string_view answer) {
  if (const auto members = members_in(answer))
    for (const auto& member : *members) check_text(member.name, 256);
  if (const auto alarms = alarms_in(answer))
    for (const auto& alarm : *alarms) check_text(alarm.kind, 256);
  if (const auto status = status_in(answer)) check_text(status->version, 256);
}

void check_one(std::uint8_t kind, std::string_view answer) {
  switch (kind % 6) {
    case 0:
      if (const auto reading = reading_in(answer, prefix)) check(*reading);
      break;
    case 1:
      check_outcome(answer);
      break;
    case 2:
      if (const auto token = token_in(answer)) check_text(*token, 4000);
      break;
    case 3:
      check_reports(answer);
      break;
    case 4:
      check_text(refusal_in(400 + kind, answer).why, 200);
      break;
    default:
      if (const auto bytes = from_base64(answer)) demand(base64(*bytes) == answer);
      demand(from_base64(base64(answer)).value() == answer);
  }
}

}  // namespace
}  // namespace cube::fleet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view answer(reinterpret_cast<const char*>(data) + 1, size - 1);
  cube::fleet::check_one(data[0], answer);
  return 0;
}
