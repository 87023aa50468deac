#include "agent/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/mutation.h"
#include "boot/cmdline.h"

namespace cube {

Result<Fd> take_lock(const RootDir& root, int seconds) {
  if (const auto cmdline = read_cmdline(root);
      cmdline && cmdline->virtual_boot && !mutated("virtual-guest-commits"))
    return Error{Errc::nothing_to_do,
                 "this is a virtual boot of the release (cube.virtual=), which changes nothing"};
  CUBE_CHECK(root.make_dirs("run/cube-update"));
  CUBE_TRY(auto fd, root.open_file("run/cube-update/lock", O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  for (int tenths = seconds * 10;; --tenths) {
    if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return fd;
    if (errno != EWOULDBLOCK && errno != EINTR)
      return system_error("lock " + root.join("run/cube-update/lock"));
    if (tenths <= 0)
      return Error{Errc::busy,
                   "another cube-update is at work on this machine; wait for it to end"};
    ::usleep(100000);
  }
}

}  // namespace cube
