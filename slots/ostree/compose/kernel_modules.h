// Compressed kernel modules of a tree, expanded. foo.ko.xz becomes foo.ko; the lists that name
// modules by file, modules.dep and modules.dep.bin, are made anew by depmod (package kmod) on
// copies.
//
// A module's signature is appended to the module before it is compressed: it stays valid.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "slots/ostree/compose/expanded_members.h"

namespace cube {

// Adds the members to `members`. depmod's new modules.dep must be the old one with the new names,
// line by line; otherwise the release would load modules differently than its tree, and it is
// refused. Errors: invalid (a damaged or too large module, a link to a compressed module, depmod
// missing or of another opinion), no_space, failed.
Status expand_modules(const std::string& tree, const std::string& scratch,
                      std::vector<ExpandedMember>& members);

}  // namespace cube
