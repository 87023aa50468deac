#include "keys/signing.h"

#include "base/file_url.h"

namespace cube {

Result<Signing> signing_of(const Metadata& document, const Keys& keys, const Role& role,
                           const std::string& name) {
  CUBE_TRY(auto signers, good_signers(document, keys, role));
  return Signing{name, document.version, document.expires, std::move(signers), role.threshold};
}

Json as_json(const Signing& signing) {
  return Json(
      Json::Object{{"role", signing.role},
                   {"version", signing.version},
                   {"expires", format_utc(signing.expires)},
                   {"signed_by", Json::Array(signing.signed_by.begin(), signing.signed_by.end())},
                   {"threshold", signing.threshold}});
}

std::string as_text(const Signing& signing) {
  constexpr std::size_t shown_digits = 16;
  std::string text = percent_encoded(signing.role) + ", version " +
                     std::to_string(signing.version) + ", until " + format_utc(signing.expires) +
                     ", signed by " + std::to_string(signing.signed_by.size()) + " (" +
                     std::to_string(signing.threshold) + " needed):";
  for (const auto& id : signing.signed_by)
    text += " " + percent_encoded(id.substr(0, shown_digits));
  return text;
}

}  // namespace cube
