// The journal as bytes: magic, format version, generation, length, SHA-256, then a cereal archive.
// The only place that knows cereal, and it decodes only bytes whose checksum this program wrote:
// cereal is not safe on foreign input. docs/formats/journal.md gives the layout.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "model/journal.h"

namespace cube {

inline constexpr std::size_t max_journal_bytes = 16 * 1024;

struct StoredJournal {
  std::uint64_t generation = 0;  // grows by one with every save
  Journal journal;
};

// Drops the oldest history until it fits. Errors: bug (does not fit even so).
[[nodiscard]] Result<std::string> encode_journal(StoredJournal stored);
// Errors: corrupt (truncated, wrong checksum, of a newer format).
[[nodiscard]] Result<StoredJournal> decode_journal(std::string_view bytes);

}  // namespace cube
