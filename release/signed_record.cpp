#include "release/signed_record.h"

#include "base/durable_file.h"
#include "base/json.h"
#include "keys/metadata.h"

namespace cube {
namespace {

const std::string record_file = "publisher/signed.json";
constexpr std::size_t max_bytes = 4 * max_metadata_bytes;  // the text is escaped in it

Result<SignedRecord> parse(const std::string& text) {
  CUBE_TRY(const Json json, Json::parse(text, {max_bytes, 4}));
  SignedRecord record;
  CUBE_TRY(record.served, json.string_at("served"));
  CUBE_TRY(record.timestamp, json.string_at("timestamp"));
  return record;
}

}  // namespace

Result<std::optional<SignedRecord>> read_signed_record(const RootDir& repository) {
  const auto text = repository.read_file(record_file, max_bytes);
  if (!text && text.error().code == Errc::not_found) return std::optional<SignedRecord>();
  if (!text) return text.error();
  auto record = parse(*text);
  if (!record) return std::move(record).error().in(repository.join(record_file));
  return std::optional<SignedRecord>(std::move(record).value());
}

Status write_signed_record(const RootDir& repository, const SignedRecord& record) {
  CUBE_CHECK(repository.make_dirs("publisher"));
  const Json json(Json::Object{{"served", record.served}, {"timestamp", record.timestamp}});
  return replace_file(repository, record_file, json.pretty());
}

}  // namespace cube
