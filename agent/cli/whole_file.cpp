#include "agent/cli/whole_file.h"

#include <fcntl.h>

#include <filesystem>

#include "agent/cli/commands.h"
#include "base/durable_file.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube::cli {

Status write_whole(const std::string& option, const std::string& file, const std::string& text) {
  const std::filesystem::path path = absolute_place(file);
  const auto folder = RootDir::open(path.parent_path());
  if (!folder)
    return Error{Errc::invalid, option + " " + file + ": " + folder.error().what +
                                    "; make the folder, or name another file"};
  if (mutated("metrics-in-place")) {
    CUBE_TRY(const auto out,
             folder->open_file(path.filename(), O_WRONLY | O_CREAT | O_TRUNC, 0644));
    return write_all(out, text);
  }
  return replace_file(*folder, path.filename(), text);
}

}  // namespace cube::cli
