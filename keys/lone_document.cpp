#include "keys/lone_document.h"

namespace cube {
namespace {

// Its version decides what a root has to do with the trusted one.
Status check_root(const Root& root, const Root& trusted) {
  CUBE_CHECK(check_signatures(root, root, "root"));
  if (root.version == trusted.version && root.covered == trusted.covered) return ok();
  auto is_next = check_signatures(root, trusted, "root");
  if (!is_next)
    return std::move(is_next).error().in("version " + std::to_string(root.version) +
                                         ", judged by trusted version " +
                                         std::to_string(trusted.version));
  if (root.version > trusted.version) return ok();
  return Error{Errc::untrusted, "version " + std::to_string(root.version) +
                                    " is not newer than trusted version " +
                                    std::to_string(trusted.version)};
}

Result<LoneDocument> weighed(const Metadata& document, const Root& keys, const std::string& role,
                             Status trust, Freshness freshness) {
  CUBE_TRY(auto signing, signing_of(document, keys.keys, keys.roles.at(role), role));
  if (trust) trust = freshness.check(document, role + ".json");
  return LoneDocument{std::move(signing), trust ? "" : trust.error().what};
}

template <typename T>
Result<LoneDocument> by_role(const Result<T>& document, const Root& trusted,
                             const std::string& role, Freshness freshness) {
  if (!document) return document.error();
  return weighed(*document, trusted, role, check_signatures(*document, trusted, role),
                 std::move(freshness));
}

Result<LoneDocument> inspect(const std::string& text, const Root& trusted, Freshness freshness) {
  CUBE_TRY(const Json json, Json::parse(text, {max_targets_bytes, 16}));
  CUBE_TRY(const Json body, json.member("signed"));
  CUBE_TRY(const auto type, body.string_at("_type"));
  if (type == "root") {
    CUBE_TRY(const Root root, parse_root(text));
    return weighed(root, root, type, check_root(root, trusted), std::move(freshness));
  }
  if (type == "timestamp") return by_role(parse_timestamp(text), trusted, type, freshness);
  if (type == "snapshot") return by_role(parse_snapshot(text), trusted, type, freshness);
  if (type == "targets") return by_role(parse_targets(text), trusted, type, freshness);
  return Error{Errc::untrusted, "\"_type\" is none of root, timestamp, snapshot, targets"};
}

}  // namespace

Result<LoneDocument> inspect_document(const std::string& text, const Root& trusted,
                                      Freshness freshness) {
  auto document = inspect(text, trusted, std::move(freshness));
  if (!document && document.error().code == Errc::corrupt)
    return Error{Errc::untrusted, document.error().what};
  return document;
}

}  // namespace cube
