// What anybody may have written into a cluster's store: a line with a key's name, then its value.
// As a key of the gate it is either understood, and then written and read back as the same, or
// noted as unreadable; as a machine's record it is shown or left out, and on the cluster's page it is
// text; as the memory of a machine it is read back as it is written, or refused.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "agent/cli/fleet_page.h"
#include "agent/fleet/cluster_view.h"
#include "agent/fleet/memory.h"
#include "model/fleet/gate_entries.h"
#include "tests/fuzz/demand.h"

namespace cube::fleet {
namespace {

class OneEntry final : public KeyValueStore {
 public:
  OneEntry(std::string key, std::string value) : entry_{std::move(key), std::move(value), 1, 1} {}
  Result<Reading> read(const std::string& prefix) override {
    Reading reading{1, 1, {}};
    if (entry_.key.starts_with(prefix)) reading.entries.push_back(entry_);
    return reading;
  }
  Result<Committed> commit(const Transaction&) override {
    return Error{Errc::bug, "nobody changes anything"};
  }

 private:
  Entry entry_;
};

GateFacts taken(const std::string& name, std::string_view value) {
  GateFacts facts;
  take_gate_entry(facts, name, value, 1);
  return facts;
}

void check_gate(const std::string& name, std::string_view value) {
  const auto facts = taken(name, value);
  demand(facts.unreadable.size() <= 1);
  for (const auto& one : facts.holders)
    demand(taken(holder_name(one.node), render(one)).holders == facts.holders);
  for (const auto& one : facts.failures)
    demand(taken(failure_name(one.rollout, one.node), render(one)).failures == facts.failures);
  if (facts.halt) demand(taken(halt_name, render(*facts.halt)).halt == facts.halt);
  if (facts.pause) demand(taken(pause_name, render(*facts.pause)).pause == facts.pause);
  if (facts.plan) demand(taken(plan_name, render(*facts.plan)).plan == facts.plan);
  demand(taken(policy_name, render(facts.policy)).policy == facts.policy);
  Candidate me;
  me.node = "n1";
  me.rollout = "r1";
  const auto verdict = decide_gate(facts, me, {});
  if (!facts.unreadable.empty()) demand(verdict.answer == Answer::refused);
}

// Nothing in it but what the program itself wrote: printable, and no element or attribute that it
// does not have.
void check_page(const std::string& text) {
  for (const char c : text) demand(c == '\n' || (c >= ' ' && c <= '~'));
  for (std::size_t at = text.find("</style>"); (at = text.find('<', at)) != std::string::npos; ++at) {
    const auto element = text.substr(at + 1, text.find_first_of(" >", at) - at - 1);
    demand(!element.empty() && element.size() <= 8);
    for (const char* foreign : {"script", "img", "iframe", "style", "a", "form", "input", "link"})
      demand(element != foreign);
  }
}

void check_view(const std::string& name, const std::string& value) {
  OneEntry store("/cube-update/v1/c/" + name, value);
  const auto view = look_at(store, "c");
  demand(view && view->nodes.size() <= 1);
  for (const auto& node : view->nodes) demand(format_utc(node.at).size() == 20);
  cli::FleetPage page;
  page.cluster = "c";
  page.view = *view;
  page.log = read_log(store, "c").value();
  check_page(cli::fleet_page(page));
}

}  // namespace
}  // namespace cube::fleet

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cube::fleet;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find('\n'), text.size());
  const auto name = text.substr(0, end), value = text.substr(std::min(end + 1, text.size()));
  check_gate(name, value);
  check_view(name, value);
  if (const auto memory = parse_memory(value))
    cube::demand(parse_memory(render(*memory)).value() == *memory);
  return 0;
}
