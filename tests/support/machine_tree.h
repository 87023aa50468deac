// Machines for tests: proc/ and sys/ of a machine, laid out in a folder as a text says
// (tests/unit/machines/README.md).
#pragma once

#include <string>
#include <vector>

namespace cube {

// Lays out the machine that FOLDER/NAME.tree describes, and the parts that it includes.
// Throws what is wrong with a line.
void lay_out_machine(const std::string& folder, const std::string& name, const std::string& into);
// Single lines of that kind.
void lay_out_lines(const std::string& lines, const std::string& into);

}  // namespace cube
