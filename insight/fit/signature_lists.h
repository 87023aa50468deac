// The firmware's lists of signatures, as the variables db, dbx and MokListXRT hold them
// (EFI_SIGNATURE_LIST, UEFI specification 2.10, 32.4.1). Foreign bytes, pure.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace cube::insight {

inline constexpr std::size_t max_signature_bytes = 1024 * 1024;  // of a variable

struct SignatureLists {
  std::set<std::string> sha256;           // Authenticode digests of programs, lower-case hex
  std::vector<std::string> certificates;  // X.509, DER
  std::size_t others = 0;                 // entries of kinds that are not read
};
// An empty text is no list. Errors: corrupt.
[[nodiscard]] Result<SignatureLists> parse_signature_lists(std::string_view bytes);

// The subject of an X.509 certificate, as the DER of its Name. Errors: corrupt.
[[nodiscard]] Result<std::string> subject_of(std::string_view certificate);

// How far a certificate takes part in a program's signatures (PKCS#7, which carry their
// certificates as they are).
enum class InSignature {
  absent,  // neither it nor its name: it signed nothing there, and issued none of what did
  named,   // something there has or was issued by its name: it may have
  there,
};
[[nodiscard]] InSignature look_for(std::string_view certificate, std::string_view signatures);

}  // namespace cube::insight
