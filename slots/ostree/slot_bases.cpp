#include "slots/ostree/slot_bases.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "slots/ostree/bare_files.h"

namespace cube {

Status SlotBases::open(const Sha256& name, std::uint64_t size) {
  if (file_.valid() && name_ == name) return ok();
  file_.reset();
  const ObjectId id{ObjectKind::file, name};
  for (const auto& repository : repositories_) {
    const auto path = repository + "/objects/" + bare_file(id);
    Fd file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat st {};
    if (!file.valid() || ::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) continue;
    if (static_cast<std::uint64_t>(st.st_size) != size) continue;
    file_ = std::move(file);
    name_ = name;
    return ok();
  }
  return Error{Errc::not_found, "no slot has " + describe(id)};
}

Status SlotBases::read(const Sha256& name, std::uint64_t size, std::uint64_t offset,
                       std::size_t length, std::string& bytes) {
  CUBE_CHECK(open(name, size));
  const auto before = bytes.size();
  bytes.resize(before + length);
  for (std::size_t done = 0; done < length;) {
    const auto count = ::pread(file_.get(), bytes.data() + before + done, length - done,
                               static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    // A bad block of the old slot costs the objects that need it, not the update.
    if (count <= 0)
      return Error{Errc::corrupt, describe(ObjectKind::file, name) + " cannot be read"};
    done += static_cast<std::size_t>(count);
  }
  return ok();
}

}  // namespace cube
