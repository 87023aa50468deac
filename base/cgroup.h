// Cgroup: a control group (version 2) of its own for one program and whatever that starts, also
// what leaves its process group and its session. Made below the group of this process, where that
// may be written: as root without systemd, or in a unit with Delegate=yes. No controller is used.
#pragma once

#include <string>

#include "base/fd.h"
#include "base/result.h"

namespace cube {

class Cgroup {
 public:
  // Removes what a dead process of this program left there. Errors: not_found (no cgroups of
  // version 2 here), failed (none may be made).
  static Result<Cgroup> make();
  // Kills what is still in it, waits up to a few seconds until it is gone, and removes it.
  ~Cgroup();
  Cgroup(Cgroup&& other) noexcept;
  Cgroup& operator=(Cgroup&&) = delete;

  // The file of the group into which a new process writes "0" to get into it.
  [[nodiscard]] int joining() const { return joining_.get(); }
  // Everything in it, at once. False: something does not die, as in an uninterruptible wait.
  bool kill_all() const;

 private:
  Cgroup(std::string folder, Fd joining)
      : folder_(std::move(folder)), joining_(std::move(joining)) {}
  std::string folder_;
  Fd joining_;
};

}  // namespace cube
