// Inside slots/ostree/compose only: one file of a commit whose bytes are not those of the tree's file.
#pragma once

#include <string>

#include "base/result.h"
#include "slots/ostree/compose/expanded_members.h"
#include "slots/ostree/glib.h"

namespace cube {

// Writes the content with the mode, owner (root unless keep_owners) and extended attributes of the
// file tree + member.path, and puts it into `root` as member.name. Errors: no_space, failed.
Status write_member(OstreeRepo* repo, OstreeMutableTree* root, const std::string& tree,
                    const ExpandedMember& member, bool keep_owners);

}  // namespace cube
