#include "base/http/posted_document.h"

#include <algorithm>
#include <array>

namespace cube {
namespace {

constexpr std::array<const char*, request_fields> names{
    "Content-Type", "Authorization", "Grpc-Metadata-hasleader", "fleet-lock-protocol"};

bool may_be_said(const std::string& value) {
  return !value.empty() && value.size() <= max_field_bytes && value.front() != ' ' &&
         value.back() != ' ' &&
         std::all_of(value.begin(), value.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

}  // namespace

const char* name_of(RequestField field) {
  return names.at(static_cast<std::size_t>(field));
}

Status check_document(const PostedDocument& document) {
  if (document.body.empty() || document.body.size() > max_posted_bytes)
    return Error{Errc::invalid, "a document to send has 1 to " + std::to_string(max_posted_bytes) +
                                    " bytes, not " + std::to_string(document.body.size())};
  for (const auto& [field, value] : document.fields)
    if (static_cast<std::uint8_t>(field) >= request_fields || !may_be_said(value))
      return Error{Errc::invalid,
                   "a field of a request that is empty, too long, or has other than "
                   "printable ASCII characters"};
  return ok();
}

}  // namespace cube
