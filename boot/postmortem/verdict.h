// judge(): the conclusion from the facts of one boot. The order of its questions is the order of
// how much an answer tells; docs/why.md and docs/decisions/0015-diagnosis.md give the reasons.
#pragma once

#include "boot/postmortem/boot_story.h"
#include "boot/postmortem/diagnosis.h"

namespace cube {

[[nodiscard]] Diagnosis judge(const BootStory& boot);

}  // namespace cube
