// Whether the objects of a repository are what their names say. Inside slots/ostree only.
//
// libostree hashes with scalar code on one core; here OpenSSL hashes on all of them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/progress.h"
#include "base/result.h"

namespace cube {

struct ObjectName {
  std::string checksum;  // 64 hex digits
  int type = 0;          // an OstreeObjectType
};

// "object 55765df7....file"
[[nodiscard]] std::string describe(const ObjectName& name);

// Re-reads every object: content, owner, mode, extended attributes; of any kind of repository.
// Calls `damaged`, one call at a time and from any thread, for each one that is missing, unreadable
// or not what its name says, with the reason; when it returns false, the check ends early.
// `progress` is called from the caller's thread, for `stage`, in objects. Errors: failed
// (repository, threads).
Status check_objects(const std::string& repository, const std::vector<ObjectName>& names,
                     const std::string& stage, const ProgressSink& progress,
                     const std::function<bool(const ObjectName&, const Error&)>& damaged);

}  // namespace cube
