#include "insight/fit/fallback_fit.h"

#include <algorithm>

#include "base/mutation.h"

namespace cube::insight {
namespace {

constexpr const char* check = "fallback";

void judge_records(const FallbackFacts& facts, Findings& all) {
  if (!facts.is_fallback)
    all.push_back({check, "records", Grade::unknown,
                   "whether slot " + facts.slot +
                       " starts when the trial fails: " + facts.is_fallback.error().what,
                   "run `cube-update doctor`", ""});
  else if (!*facts.is_fallback)
    all.push_back({check, "records", Grade::refusal,
                   "the loader's fallback is not slot " + facts.slot + ", which runs",
                   "run `cube-update commit` to stay with what runs", ""});
}

void judge_seal(const FallbackFacts& facts, Findings& all) {
  if (!facts.seal)
    all.push_back({check, "seal", Grade::unknown,
                   "whether slot " + facts.slot + " is sealed: " + facts.seal.error().what, "",
                   ""});
  else if (!*facts.seal)
    all.push_back({check, "seal", Grade::warning,
                   "slot " + facts.slot +
                       ", which runs, has no seal: it was never verified against a release",
                   "", ""});
}

void judge_files(const FallbackFacts& facts, Findings& all) {
  for (const auto& file : facts.files)
    if (!file.read && !mutated("preflight-ignores-fallback"))
      all.push_back(
          {check, file.path, Grade::refusal,
           "slot " + facts.slot + " could not be started again: " + file.read.error().what,
           "bring the file back from the package that it belongs to", ""});
}

// What the slot would start with may be another kernel than the one that runs: somebody installed
// it by hand, and has not restarted since.
void judge_kernel(const FallbackFacts& facts, Findings& all) {
  if (!facts.kernel || facts.kernel->release.empty()) return;
  const auto& release = facts.kernel->release;
  if (facts.with_modules && !facts.with_modules->empty() &&
      std::find(facts.with_modules->begin(), facts.with_modules->end(), release) ==
          facts.with_modules->end()) {
    all.push_back(
        {check, "kernel", Grade::refusal,
         "slot " + facts.slot + " would start kernel " + release + " and has no modules for it",
         "install the kernel's modules again", ""});
  } else if (!facts.running_kernel.empty() && release != facts.running_kernel) {
    all.push_back({check, "kernel", Grade::warning,
                   "slot " + facts.slot + " would start kernel " + release +
                       ", which has not run yet: " + facts.running_kernel + " runs",
                   "restart this slot once before the update", ""});
  }
}

}  // namespace

Findings fallback_findings(const FallbackFacts& facts) {
  Findings all;
  judge_records(facts, all);
  judge_seal(facts, all);
  judge_files(facts, all);
  judge_kernel(facts, all);
  if (all.empty())
    all.push_back({check, "slot", Grade::good,
                   "slot " + facts.slot + " is sealed, and what starts it can be read", "", ""});
  return all;
}

}  // namespace cube::insight
