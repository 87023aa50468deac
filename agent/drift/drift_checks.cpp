#include "agent/drift/drift_checks.h"

#include "agent/drift/running_drift.h"
#include "base/priority.h"

namespace cube {
namespace {

constexpr std::size_t longest_detail = 200;  // bytes

}  // namespace

Check drift_check(const RootDir& root, const OstreeSlotStore& slots,
                  const std::atomic<bool>& stop) {
  Check check;
  const auto lowered = lower_io_priority(Priority::idle);
  const auto drift = running_drift(root, slots, false, ProgressSink([](const Progress&) {}, stop));
  check.name = "drift";
  check.required = false;
  check.passed = drift && !drift->any();
  check.detail = drift ? drift_summary(*drift) : "not known: " + drift.error().what;
  if (!lowered) check.detail += " (" + lowered.error().what + ")";
  if (check.passed) check.detail.clear();
  if (check.detail.size() > longest_detail) check.detail.resize(longest_detail);
  return check;
}

Examination drift_examination(const OstreeSlotStore& slots) {
  return {"drift", [&slots](const Prospect& prospect) -> Result<insight::Findings> {
            CUBE_TRY(const auto drift,
                     running_drift(prospect.machine, slots, false, prospect.progress));
            insight::Finding finding{"drift", "running-slot", insight::Grade::good,
                                     drift_summary(drift), "", ""};
            if (drift.any()) {
              finding.grade = insight::Grade::refusal;
              finding.what += "; the slot that an update falls back to is not what was tested";
              finding.remedy = std::string(drift_remedy) + ", or set health.drift to \"told\"";
            }
            return insight::Findings{std::move(finding)};
          }};
}

}  // namespace cube
