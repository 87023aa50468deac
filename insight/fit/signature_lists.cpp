#include "insight/fit/signature_lists.h"

#include <algorithm>

#include "base/digest.h"
#include "base/little_endian.h"

namespace cube::insight {
namespace {

// GUIDs as the firmware stores them: the first three parts little-endian.
constexpr std::string_view sha256_kind(
    "\x26\x16\xc4\xc1\x4c\x50\x92\x40\xac\xa9\x41\xf9\x36\x93\x43\x28", 16);
constexpr std::string_view x509_kind(
    "\xa1\x59\xc0\xa5\xe4\x94\xa7\x4a\x87\xb5\xab\x15\x5c\x2b\xf0\x72", 16);
constexpr std::size_t guid_bytes = 16, list_header = 28, digest_bytes = 32;
constexpr std::size_t max_entries = 100'000;

Error wrong(const std::string& why) {
  return {Errc::corrupt, "a list of signatures: " + why};
}

// One value of DER (X.690): its bytes with tag and length, and what is in it.
struct Der {
  std::string_view whole, content;
  unsigned char tag = 0;
};

// Takes the value at the front off. Lengths of up to four bytes.
Result<Der> take_der(std::string_view& bytes) {
  const Error cut{Errc::corrupt, "a certificate: is cut off"};
  if (bytes.size() < 2) return cut;
  Der found;
  found.tag = static_cast<unsigned char>(bytes[0]);
  std::size_t length = static_cast<unsigned char>(bytes[1]), head = 2;
  if (length >= 0x80) {
    const std::size_t count = length - 0x80;
    if (count == 0 || count > 4 || bytes.size() < 2 + count) return cut;
    length = 0;
    for (std::size_t i = 0; i < count; ++i)
      length = length << 8 | static_cast<unsigned char>(bytes[2 + i]);
    head += count;
  }
  if (length > bytes.size() - head) return cut;
  found.whole = bytes.substr(0, head + length);
  found.content = bytes.substr(head, length);
  bytes.remove_prefix(head + length);
  return found;
}

constexpr unsigned char sequence = 0x30, version_tag = 0xa0;

}  // namespace

Result<SignatureLists> parse_signature_lists(std::string_view bytes) {
  if (bytes.size() > max_signature_bytes) return wrong("is too long");
  SignatureLists found;
  std::size_t entries = 0;
  while (!bytes.empty()) {
    if (bytes.size() < list_header) return wrong("is cut off");
    const auto kind = bytes.substr(0, guid_bytes);
    const auto size = number_at(bytes, 16, 4), header = number_at(bytes, 20, 4);
    const auto each = number_at(bytes, 24, 4);
    if (size > bytes.size() || size < list_header || header > size - list_header ||
        each <= guid_bytes)
      return wrong("its lengths do not fit");
    auto body = bytes.substr(list_header + header, size - list_header - header);
    bytes.remove_prefix(size);
    if (body.size() % each != 0) return wrong("ends within an entry");
    for (; !body.empty(); body.remove_prefix(each)) {
      if (++entries > max_entries) return wrong("has too many entries");
      const auto data = body.substr(guid_bytes, each - guid_bytes);
      if (kind == sha256_kind && data.size() == digest_bytes)
        found.sha256.insert(to_hex(data.data(), data.size()));
      else if (kind == x509_kind)
        found.certificates.emplace_back(data);
      else
        ++found.others;
    }
  }
  return found;
}

// Certificate, and in it TBSCertificate: version [0], serial number, algorithm, issuer, validity,
// subject (RFC 5280, 4.1).
Result<std::string> subject_of(std::string_view certificate) {
  CUBE_TRY(const auto outer, take_der(certificate));
  auto rest = outer.content;
  CUBE_TRY(const auto inner, take_der(rest));
  if (outer.tag != sequence || inner.tag != sequence)
    return Error{Errc::corrupt, "a certificate: is none"};
  rest = inner.content;
  CUBE_TRY(const auto first, take_der(rest));
  const int before_subject = first.tag == version_tag ? 4 : 3;
  for (int i = 0; i < before_subject; ++i)
    if (const auto passed = take_der(rest); !passed) return Error(passed.error());
  CUBE_TRY(const auto subject, take_der(rest));
  if (subject.tag != sequence || subject.content.empty())
    return Error{Errc::corrupt, "a certificate: has no subject"};
  return std::string(subject.whole);
}

InSignature look_for(std::string_view certificate, std::string_view signatures) {
  if (signatures.find(certificate) != std::string_view::npos) return InSignature::there;
  const auto subject = subject_of(certificate);
  if (!subject || signatures.find(*subject) != std::string_view::npos) return InSignature::named;
  return InSignature::absent;
}

}  // namespace cube::insight
