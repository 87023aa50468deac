// What is known of how an update failed, gathered, and told on one screen or as JSON (docs/why.md).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "boot/postmortem/diagnosis.h"
#include "boot/postmortem/records.h"
#include "model/journal.h"
#include "insight/finding.h"
#include "slots/initramfs/contents.h"
#include "slots/kernel_modules.h"

namespace cube::cli {

// What a release offers to its kernel.
struct Offered {
  KernelModules root;
  std::optional<InitramfsContents> initramfs;  // none: there is none, or it cannot be read
};

struct LastWords {
  std::optional<Attempt> attempt;  // none: a log from another machine
  insight::Findings foreseen;      // before its trial, without what fits
  Diagnosis diagnosis;
  std::vector<std::string> left_out;  // records that could not be read as text
  std::string boot;                   // id of the trial's last start, if its marks tell; or ""
  std::vector<std::string> journal;   // the last errors in the trial's own journal
  std::optional<Offered> good;        // by the release that runs; none: not known
  std::optional<Offered> failed;      // by the one that failed, while its slot still holds it
};

// From the records that were kept, or, without any, from what the journal noted; and from the marks
// that the trial left.
[[nodiscard]] Diagnosis diagnose_attempt(const Attempt& attempt, const Log& log);
// What a log from elsewhere says.
[[nodiscard]] Diagnosis diagnose_log(const Log& log);
// What differs between the two releases and bears on the diagnosis, a sentence each.
[[nodiscard]] std::vector<std::string> differences(const LastWords& words);
[[nodiscard]] Json::Object last_words_json(const LastWords& words);
[[nodiscard]] std::string last_words_text(const LastWords& words);

}  // namespace cube::cli
