#include "agent/fleet/etcd_messages.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "base/base64.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

constexpr std::size_t max_depth = 8;
constexpr std::size_t max_token_bytes = 4000;
constexpr std::size_t max_why_bytes = 200;
constexpr auto highest_revision =
    static_cast<std::uint64_t>(std::numeric_limits<Revision>::max() - 1);

bool printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

Error senseless(const std::string& why) {
  return {Errc::corrupt, "etcd's answer: " + why};
}

Json range_of(const std::string& prefix) {
  Json::Object range{{"key", base64(prefix)},
                     {"range_end", base64(end_of_prefix(prefix))},
                     // One more than may be there tells that there are more.
                     {"limit", std::to_string(max_entries + 1)}};
  if (mutated("etcd-serializable-read")) range["serializable"] = true;
  return range;
}

Json compare_of(const Condition& condition) {
  const auto text = [](Revision revision) { return std::to_string(revision); };
  if (condition.kind == Condition::Kind::created_at)
    return Json::Object{{"target", "CREATE"},
                        {"result", "EQUAL"},
                        {"key", base64(condition.key)},
                        {"create_revision", text(condition.revision)}};
  return Json::Object{{"target", "MOD"},
                      {"result", "LESS"},
                      {"key", base64(condition.key)},
                      {"range_end", base64(end_of_prefix(condition.key))},
                      {"mod_revision", text(condition.revision + 1)}};
}

Json operation_of(const Change& change) {
  if (change.kind == Change::Kind::erase)
    return Json::Object{{"request_delete_range", Json::Object{{"key", base64(change.key)}}}};
  return Json::Object{
      {"request_put", Json::Object{{"key", base64(change.key)}, {"value", base64(change.value)}}}};
}

// Bytes in base64; none when they are left out.
Result<std::string> bytes_at(const Json& object, const std::string& key, std::size_t most) {
  if (!object.has(key)) return std::string();
  CUBE_TRY(const auto text, object.string_at(key));
  if (text.size() > (most + 2) / 3 * 4) return senseless(key + " is too long");
  auto bytes = from_base64(text);
  if (!bytes) return senseless(key + " is not base64");
  if (bytes->size() > most) return senseless(key + " is too long");
  return bytes;
}

Result<bool> flag_at(const Json& object, const std::string& key) {
  if (!object.has(key)) return false;
  CUBE_TRY(const auto value, object.member(key));
  return value.boolean();
}

Result<Revision> revision_at(const Json& object, const std::string& key) {
  CUBE_TRY(const auto number, number_at(object, key, highest_revision));
  if (number == 0) return senseless("no " + key);
  return static_cast<Revision>(number);
}

Result<Entry> entry_in(const Json& json, const std::string& prefix) {
  Entry entry;
  CUBE_TRY(entry.key, bytes_at(json, "key", max_key_bytes));
  CUBE_TRY(entry.value, bytes_at(json, "value", max_value_bytes));
  CUBE_TRY(entry.created, revision_at(json, "create_revision"));
  CUBE_TRY(entry.modified, revision_at(json, "mod_revision"));
  if (!entry.key.starts_with(prefix) && !mutated("etcd-foreign-keys-taken"))
    return senseless("a key that was not asked for");
  if (entry.modified < entry.created) return senseless("a key that was written before it was made");
  return entry;
}

// Cluster and revision; no entries.
Result<Reading> head_of(const Json& answer) {
  CUBE_TRY(const auto header, answer.member("header"));
  Reading reading;
  CUBE_TRY(reading.cluster,
           number_at(header, "cluster_id", std::numeric_limits<std::uint64_t>::max()));
  if (reading.cluster == 0) return senseless("no cluster_id");
  CUBE_TRY(reading.revision, revision_at(header, "revision"));
  return reading;
}

Status take_entries(const Json& range, const std::string& prefix, Reading& reading) {
  CUBE_TRY(const bool more, flag_at(range, "more"));
  if (more && !mutated("etcd-foreign-keys-taken"))
    return senseless("more than " + std::to_string(max_entries) + " keys below " + prefix);
  const std::size_t spare = mutated("etcd-foreign-keys-taken") ? 1 : 0;
  CUBE_TRY(const auto items, items_at(range, "kvs", max_entries + spare));
  CUBE_TRY(const auto count, number_at(range, "count", std::numeric_limits<std::uint64_t>::max()));
  if (count != items.size() && !mutated("etcd-foreign-keys-taken"))
    return senseless("not as many keys as it says");
  std::size_t bytes = 0;
  for (const auto& item : items) {
    CUBE_TRY(auto entry, entry_in(item, prefix));
    if (!reading.entries.empty() && reading.entries.back().key >= entry.key)
      return senseless("keys out of order");
    if (entry.modified > reading.revision) return senseless("a key of a later revision");
    bytes += entry.key.size() + entry.value.size();
    if (bytes > max_reading_bytes) return senseless("too much below " + prefix);
    reading.entries.push_back(std::move(entry));
  }
  return ok();
}

}  // namespace

std::string end_of_prefix(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff') prefix.pop_back();
  if (prefix.empty()) return {'\0'};
  prefix.back() = static_cast<char>(static_cast<unsigned char>(prefix.back()) + 1);
  return prefix;
}

std::string range_request(const std::string& prefix) {
  return range_of(prefix).canonical();
}

std::string transaction_request(const Transaction& transaction) {
  Json::Array compare, success, failure;
  for (const auto& condition : transaction.conditions) compare.push_back(compare_of(condition));
  for (const auto& change : transaction.changes) success.push_back(operation_of(change));
  if (!transaction.shows.empty()) {
    const Json shows = Json::Object{{"request_range", range_of(transaction.shows)}};
    success.push_back(shows);
    failure.push_back(shows);
  }
  return Json(Json::Object{{"compare", std::move(compare)},
                           {"success", std::move(success)},
                           {"failure", std::move(failure)}})
      .canonical();
}

std::string login_request(const std::string& user, const std::string& password) {
  return Json(Json::Object{{"name", user}, {"password", password}}).line();
}

Result<Json> parse_answer(std::string_view answer) {
  auto json = Json::parse(answer, {max_etcd_answer, max_depth});
  if (!json) return std::move(json).error().in("etcd's answer");
  if (const auto object = json->object(); !object) return senseless(object.error().what);
  return json;
}

Result<std::uint64_t> number_at(const Json& object, const std::string& key, std::uint64_t highest) {
  if (!object.has(key)) {
    if (const auto members = object.object(); !members) return senseless(members.error().what);
    return std::uint64_t{0};
  }
  CUBE_TRY(const auto text, object.string_at(key));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || number > highest)
    return senseless("no number at " + key);
  return number;
}

Result<Json::Array> items_at(const Json& object, const std::string& key, std::size_t most) {
  if (!object.has(key)) return Json::Array{};
  CUBE_TRY(const auto member, object.member(key));
  CUBE_TRY(auto items, member.array());
  if (items.size() > most) return senseless("more than " + std::to_string(most) + " " + key);
  return items;
}

Result<Reading> reading_in(std::string_view answer, const std::string& prefix) {
  CUBE_TRY(const auto json, parse_answer(answer));
  CUBE_TRY(auto reading, head_of(json));
  CUBE_CHECK(take_entries(json, prefix, reading));
  return reading;
}

Result<Committed> outcome_in(std::string_view answer, const Transaction& transaction) {
  CUBE_TRY(const auto json, parse_answer(answer));
  Committed outcome;
  CUBE_TRY(outcome.reading, head_of(json));
  CUBE_TRY(outcome.done, flag_at(json, "succeeded"));
  CUBE_TRY(const auto responses, items_at(json, "responses", max_parts + 1));
  const std::size_t shown = transaction.shows.empty() ? 0 : 1;
  if (responses.size() != shown + (outcome.done ? transaction.changes.size() : 0))
    return senseless("not as many responses as there were questions");
  if (shown == 0) return outcome;
  CUBE_TRY(const auto range, responses.back().member("response_range"));
  CUBE_CHECK(take_entries(range, transaction.shows, outcome.reading));
  return outcome;
}

Result<std::string> token_in(std::string_view answer) {
  CUBE_TRY(const auto json, parse_answer(answer));
  CUBE_TRY(auto token, json.string_at("token"));
  if (token.empty() || token.size() > max_token_bytes || !printable(token) ||
      token.find(' ') != std::string::npos)
    return senseless("no token");
  return token;
}

EtcdRefusal refusal_in(int status, std::string_view body) {
  using Kind = EtcdRefusal::Kind;
  if (body.find("CommonName") != std::string_view::npos)  // this one is no JSON
    return {Kind::not_allowed,
            "etcd's JSON gateway refuses client certificates with a common name (CN) when users "
            "are asked for: make one whose subject has none"};
  const auto json = Json::parse(body);
  // etcd 3.4 has the same in "error", 3.5 has no such member.
  const auto text = json ? json->string_at("message") : Result<std::string>(json.error());
  const auto code = json ? json->unsigned_at("code") : Result<std::uint64_t>(json.error());
  if (!text || !code) {
    const Kind kind = status >= 500 || status == 429 ? Kind::no_answer : Kind::no_etcd;
    return {kind, "status " + std::to_string(status) + ", and no word of etcd"};
  }
  const std::string why = printable(*text) ? text->substr(0, max_why_bytes) : "unprintable";
  const auto says = [&](const char* words) { return text->find(words) != std::string::npos; };
  if (says("user name is empty")) return {Kind::not_allowed, why + " (etcd asks for a user)"};
  if (*code == 16 || says("revision of auth store is old")) return {Kind::not_logged_in, why};
  if (*code == 7 || says("authentication failed")) return {Kind::not_allowed, why};
  if (says("database space exceeded")) return {Kind::no_space, why};
  if (*code == 8) return {Kind::overloaded, why};
  if (status >= 500 || *code == 1 || *code == 2 || *code == 4 || *code >= 13)
    return {Kind::no_answer, why};
  return {Kind::not_possible, why};
}

}  // namespace cube::fleet
