// Inside slots/ostree/compose only: one file of a commit whose bytes are not those of the tree's
// file, or that the tree does not have.
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

// Puts the text into `root` as `name`, of root's and readable by all, without attributes. Folders
// that are missing become as the one that they are in; on the way there may be folders only.
// Errors: no_space, failed.
Status write_made_file(OstreeRepo* repo, OstreeMutableTree* root, const std::string& name,
                       const std::string& text);

}  // namespace cube
