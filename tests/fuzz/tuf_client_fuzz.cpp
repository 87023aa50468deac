// The TUF client against a repository in the hands of somebody with every key but the root's. The
// input chooses, in up to six runs of one appliance, how the documents are mixed, cut, altered and
// signed anew. After each run:
//   a refusal leaves every persisted file as it was;
//   what is persisted was signed by enough keys of its role, has not expired and fits together;
//   no version sinks, unless a new root gave the timestamp another key;
//   a target is what the targets role, or the vendor in its name, described;
//   the number of requests is bounded.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.h"
#include "keys/tuf_client.h"
#include "tests/fuzz/choices.h"
#include "tests/fuzz/demand.h"
#include "tests/fuzz/forged_repository.h"

namespace {

using cube::Choices;
using cube::demand;
using cube::Documents;
using cube::ForgedRepository;
using cube::Json;

constexpr std::size_t max_runs = 6;
constexpr std::size_t max_changes = 12;
constexpr std::size_t max_requests = 32 + 4;  // new roots, the end of their chain, three documents

ForgedRepository& repository() {
  static ForgedRepository one;
  return one;
}

std::string some_path(const Documents& documents, Choices& choices) {
  if (documents.empty()) return "metadata/timestamp.json";
  return std::next(documents.begin(), static_cast<std::ptrdiff_t>(choices.below(documents.size())))
      ->first;
}

std::vector<std::string> some_keys(Choices& choices) {
  const auto mask = choices.byte();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < ForgedRepository::online_keys.size(); ++i)
    if ((mask >> i & 1) != 0) names.emplace_back(ForgedRepository::online_keys.at(i));
  return names;
}

std::string sign(const Json& body, Choices& choices) {
  const auto by = some_keys(choices);
  const auto claimed = some_keys(choices);
  return repository().sign(body, by, claimed);
}

std::string numbered(std::uint64_t version, const std::string& role) {
  return "metadata/" + std::to_string(version) + "." + role + ".json";
}

std::uint64_t some_version(Choices& choices) {
  const auto number = choices.byte();
  return number < 250 ? number % 8 : (std::uint64_t{1} << 53U) + number - 252;
}

std::string some_time(Choices& choices) {
  constexpr std::array<const char*, 4> times{"2030-01-01T00:00:00Z", "2026-08-01T00:00:01Z",
                                             "2026-08-01T00:00:00Z", "1970-01-01T00:00:00Z"};
  return times.at(choices.below(times.size()));
}

// A role of one key, by itself or as it stands among delegations; `keys` gets the key.
Json role_of(const std::string& name, Json::Object& keys) {
  const auto key = ForgedRepository::key(name);
  keys[key.id()] = key.object();
  return Json::Object{{"threshold", 1}, {"keyids", Json::Array{key.id()}}};
}

// Delegations to a vendor with the stranger's key.
Json other_delegations() {
  Json::Object keys;
  auto role = role_of("stranger", keys).object().value();
  role["name"] = "vendor";
  role["paths"] = Json::Array{"releases/EDGE_*/*"};
  return Json::Object{{"keys", keys}, {"roles", Json::Array{role}}};
}

// The document with another version, time or member, signed anew.
void forge(std::string& text, Choices& choices) {
  const auto before = cube::body_of(text).object();
  if (!before) return;
  auto body = *before;
  switch (choices.below(5)) {
    case 0:
      body["version"] = some_version(choices);
      break;
    case 1:
      body["expires"] = some_time(choices);
      break;
    case 2:
      body["_type"] = choices.text(choices.below(10));
      break;
    case 3: {
      constexpr std::array<const char*, 4> members{"meta", "targets", "spec_version", "x"};
      const auto* member = members.at(choices.below(members.size()));
      const auto value = Json::parse(choices.text(choices.byte()));
      if (value) body[member] = *value;
      break;
    }
    default:
      body["delegations"] = other_delegations();
  }
  text = sign(Json(std::move(body)), choices);
}

// A root of the stranger's.
void usurp(Documents& documents, Choices& choices) {
  Json::Object keys;
  Json::Object roles;
  for (const auto* role : {"root", "timestamp", "snapshot", "targets"})
    roles[role] = role_of("stranger", keys);
  const auto version = some_version(choices);
  const auto expires = some_time(choices);
  const Json root = Json::Object{{"_type", "root"},
                                 {"spec_version", "1.0.31"},
                                 {"version", version},
                                 {"expires", expires},
                                 {"keys", keys},
                                 {"roles", roles},
                                 {"consistent_snapshot", true}};
  documents[numbered(version, "root")] = sign(root, choices);
}

Json described(const std::string& text, std::uint64_t version, Choices& choices) {
  Json::Object file{{"version", version}};
  const auto more = choices.byte();
  if ((more & 1) == 0) file["length"] = std::uint64_t{text.size()};
  if ((more & 2) == 0) file["hashes"] = Json::Object{{"sha256", cube::to_hex(cube::sha256(text))}};
  return file;
}

Json body(const std::string& type, std::uint64_t version, const Json::Object& meta,
          Choices& choices) {
  return Json::Object{{"_type", type},
                      {"spec_version", "1.0.31"},
                      {"version", version},
                      {"expires", some_time(choices)},
                      {"meta", meta}};
}

// A snapshot and a timestamp of any version that describe targets documents that are there.
void seal(Documents& documents, Choices& choices) {
  Json::Object meta;
  for (const std::string role : {"targets", "vendor"}) {
    const auto text = documents[some_path(documents, choices)];
    const auto version = some_version(choices);
    meta[role + ".json"] = described(text, version, choices);
    documents[numbered(version, role)] = text;
  }
  const auto snapshot_version = some_version(choices);
  const Json snapshot_body = body("snapshot", snapshot_version, meta, choices);
  const auto snapshot = sign(snapshot_body, choices);
  documents[numbered(snapshot_version, "snapshot")] = snapshot;
  const Json::Object newest{{"snapshot.json", described(snapshot, snapshot_version, choices)}};
  const auto timestamp_version = some_version(choices);
  const Json timestamp_body = body("timestamp", timestamp_version, newest, choices);
  documents["metadata/timestamp.json"] = sign(timestamp_body, choices);
}

void insert_some(std::string& text, Choices& choices) {
  const auto at = choices.below(text.size() + 257) % (text.size() + 1);
  const auto size = choices.byte();
  text.insert(at, choices.text(size));
}

void change(Documents& documents, Choices& choices) {
  const auto path = some_path(documents, choices);
  auto& text = documents[path];
  switch (choices.below(10)) {
    case 0:
      documents.erase(path);
      return;
    case 1:
      text = documents[some_path(documents, choices)];
      return;
    case 2:
      if (!text.empty()) text.resize(choices.below(text.size() + 256) % text.size());
      return;
    case 3:
      if (!text.empty()) {
        auto& byte = text[choices.below(text.size() + 256) % text.size()];
        byte = static_cast<char>(byte ^ choices.byte());
      }
      return;
    case 4:
      insert_some(text, choices);
      return;
    case 5:
      text = choices.text(choices.byte());
      return;
    case 6:
      forge(text, choices);
      return;
    case 7:
      seal(documents, choices);
      return;
    case 8:
      usurp(documents, choices);
      return;
    default:
      text = "unreachable";
  }
}

// The version of a persisted document; 0 when there is none.
std::uint64_t version_in(const Documents& state, const std::string& role) {
  const auto found = state.find(role + ".json");
  if (found == state.end()) return 0;
  return cube::body_of(found->second).unsigned_at("version").value();
}

using Names = std::vector<std::string>;

// Signed by at least one key of each group.
void check_document(const std::string& text, const std::vector<Names>& groups,
                    cube::UnixSeconds now) {
  for (const auto& group : groups)
    demand(std::any_of(group.begin(), group.end(), [&](const std::string& name) {
      return repository().was_signed(text, name);
    }));
  demand(cube::parse_utc(cube::body_of(text).string_at("expires").value()).value() > now);
}

// The document is the one that another describes.
void check_described(const std::string& by, const Documents& state, const std::string& role) {
  const auto file = cube::body_of(by).member("meta")->member(role + ".json").value();
  const auto& text = state.at(role + ".json");
  demand(file.unsigned_at("version").value() == version_in(state, role));
  if (file.has("length")) demand(file.unsigned_at("length").value() == text.size());
  const auto hashes = file.member("hashes");
  if (hashes && hashes->has("sha256"))
    demand(hashes->string_at("sha256").value() == cube::to_hex(cube::sha256(text)));
}

void check_accepted(const Documents& before, const Documents& after, cube::UnixSeconds now) {
  const auto root = version_in(after, "root");
  check_document(after.at("root.json"), {{"root"}}, now);
  check_document(after.at("timestamp.json"), {{root == 1 ? "timestamp" : "timestamp two"}}, now);
  check_document(after.at("snapshot.json"), {{"snapshot"}}, now);
  check_document(after.at("targets.json"), {{"targets", "targets again"}, {"second"}}, now);
  check_described(after.at("timestamp.json"), after, "snapshot");
  check_described(after.at("snapshot.json"), after, "targets");
  const auto root_before = std::max<std::uint64_t>(version_in(before, "root"), 1);
  demand(root >= root_before);
  if (root == root_before)
    for (const auto* role : {"timestamp", "snapshot", "targets"})
      demand(version_in(after, role) >= version_in(before, role));
}

// Whose key the targets document gives to the role "vendor".
Names vendors(const std::string& targets) {
  const auto delegations = cube::body_of(targets).member("delegations");
  if (!delegations) return {};
  Names names;
  for (const std::string name : {"vendor", "stranger"})
    if (delegations->member("keys")->has(ForgedRepository::key(name).id())) names.push_back(name);
  return names;
}

void check_targets(cube::TufClient& client, cube::UnixSeconds now) {
  const auto before = repository().state();
  const auto allowed = vendors(before.at("targets.json"));
  const auto offered = [&](const std::string& path, const std::string& content, const Names& by) {
    return std::any_of(by.begin(), by.end(), [&](const std::string& name) {
      return repository().was_offered(path, content, name);
    });
  };
  for (const std::string path :
       {ForgedRepository::theirs, ForgedRepository::ours, ForgedRepository::not_theirs}) {
    const auto target = client.target(path, 4096);
    if (!target) continue;
    const bool may_be_theirs = path == ForgedRepository::theirs;
    demand(offered(path, target->get(), {"targets", "targets again"}) ||
           (may_be_theirs && offered(path, target->get(), allowed)));
  }
  (void)client.releases();
  auto after = repository().state();
  const auto vendor = after.find("vendor.json");
  const auto known = before.find("vendor.json");
  if (vendor != after.end() && (known == before.end() || known->second != vendor->second))
    check_document(vendor->second, {allowed}, now);
  for (const auto& [name, text] : after)
    if (name != "vendor.json") demand(before.at(name) == text);
}

void run(Documents documents, Choices& choices) {
  for (std::size_t left = choices.below(max_changes + 1); left > 0 && choices.more(); --left)
    change(documents, choices);
  const auto now =
      cube::parse_utc(choices.byte() == 255 ? "2030-01-01T00:00:00Z" : "2026-08-01T00:00:00Z");
  const auto before = repository().state();
  std::size_t requests = 0;
  auto client = cube::TufClient::open(repository().appliance(), cube::Freshness(*now), {},
                                      std::make_unique<cube::DocumentFetcher>(documents, requests));
  const auto status = client->refresh();
  demand(requests <= max_requests);
  const auto after = repository().state();
  if (!status) {
    demand(after == before && !status.error().what.empty());
    demand(!client->target(ForgedRepository::ours, 4096));
    return;
  }
  check_accepted(before, after, *now);
  check_targets(*client, *now);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Choices choices(data, size);
  repository().begin();
  for (std::size_t i = 0; i < max_runs && (i == 0 || choices.more()); ++i)
    run(repository().generation(choices.below(3)), choices);
  return 0;
}
