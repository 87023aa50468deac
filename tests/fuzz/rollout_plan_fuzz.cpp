// A plan from anybody: no crash, no bound passed, and what is accepted can be judged at any time.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "model/fleet/eligibility.h"
#include "model/name.h"

namespace {

void demand(bool kept) {
  if (!kept) std::abort();
}

void judge_at(const cube::fleet::Plan& plan, cube::UnixSeconds now) {
  cube::fleet::NodeFacts node;
  node.unit = "unit";
  node.running = "CUBE_1.0_20200101-0000_abcd1234";
  const auto found = judge(plan, {}, node, now);
  demand(found.rollouts.size() == plan.rollouts.size());
  for (std::size_t i = 0; i < found.rollouts.size(); ++i) {
    const auto& ramp = plan.rollouts[i].ramp;
    const auto bucket = found.rollouts[i].bucket;
    const auto when = reaches(ramp, bucket);
    demand(bucket < cube::fleet::all_units && found.rollouts[i].ppm <= cube::fleet::all_units);
    demand((when && now >= *when) == (bucket < found.rollouts[i].ppm));
    if (when) demand(bucket < ppm_at(ramp, *when) && bucket >= ppm_at(ramp, *when - 1));
  }
  demand(!found.may_restart() || found.why_not().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto site = cube::fleet::read_site_plan(text);
  const auto plan = cube::fleet::read_plan(text);
  demand(!plan || !site || plan->rollouts.empty());
  if (!plan) return 0;
  demand(size <= cube::fleet::max_plan_bytes && plan->expires > plan->issued);
  for (const auto& rollout : plan->rollouts) {
    demand(cube::is_safe_name(rollout.id) && find_release(*plan, rollout.release) != nullptr);
    const auto start = rollout.ramp.start;
    for (const auto& point : rollout.ramp.points)
      for (const auto now : {start + point.after - 1, start + point.after, start + point.after + 1})
        judge_at(*plan, now);
  }
  judge_at(*plan, 0);
  return 0;
}
