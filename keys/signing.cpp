#include "keys/signing.h"

namespace cube {

Result<Signing> signing_of(const Metadata& document, const Keys& keys, const Role& role,
                           const std::string& name) {
  CUBE_TRY(auto signers, good_signers(document, keys, role));
  return Signing{name, document.version, document.expires, std::move(signers), role.threshold};
}

}  // namespace cube
