// UbootEnvironment: the variables that U-Boot keeps, through libubootenv; the only user of it.
//
// Two copies are demanded: U-Boot and the library write the older one and leave the other, so that
// a power cut during a write leaves the state of before. With one copy it would leave none, and
// U-Boot would start with the defaults that it was built with. store() writes one copy, reaches the
// device, and is read back.
#pragma once

#include <map>
#include <string>

#include "base/result.h"
#include "base/root_dir.h"

namespace cube {

class UbootEnvironment {
 public:
  using Variables = std::map<std::string, std::string>;

  // `root` outlives it; `config` below it is the fw_env.config of this machine: one line for each
  // copy, "DEVICE OFFSET SIZE", devices below the root.
  UbootEnvironment(const RootDir& root, std::string config)
      : root_(root), config_(std::move(config)) {}

  // All variables. Errors: cannot_arm (no configuration, not two copies, none of them valid),
  // failed.
  [[nodiscard]] Result<Variables> load() const;
  // Sets these and keeps all others. Errors: as load(), and no_space, failed.
  Status store(const Variables& changed);
  // The same where no copy is valid: nothing else is known then. Errors: as store().
  Status store_anew(const Variables& all);

 private:
  Status store_over(const Variables& changed, bool anew);

  const RootDir& root_;
  std::string config_;
};

}  // namespace cube
