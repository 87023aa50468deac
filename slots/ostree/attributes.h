// The extended attributes of files: SELinux labels, capabilities and whatever else is set.
#pragma once

#include <map>
#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

using Attributes = std::map<std::string, std::string>;  // name -> value

// Empty where the filesystem has none. `path` is for messages. Errors: failed.
Result<Attributes> attributes_of(const Fd& fd, const std::string& path);
// The same of a symlink itself. Errors: failed.
Result<Attributes> attributes_of_link(const std::string& path);

}  // namespace cube
