#include "tests/fuzz/forged_repository.h"

#include <algorithm>
#include <cstdlib>

#include "base/digest.h"
#include "tests/support/text_files.h"
#include "tests/support/verified_release.h"

namespace cube {
namespace {

namespace fs = std::filesystem;
constexpr JsonLimits wide{1 << 20, 16};

// In memory where there is such a place: its fsync costs nothing.
const bool in_memory = fs::is_directory("/dev/shm") && ::setenv("TMPDIR", "/dev/shm", 1) == 0;

Documents files_below(const std::string& folder) {
  Documents found;
  if (!fs::exists(folder)) return found;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.is_regular_file())
      found[entry.path().lexically_relative(folder).string()] = get(entry.path());
  return found;
}

std::string name_of(const std::string& target) {
  return fs::path(target).parent_path().filename();
}

}  // namespace

SigningKey ForgedRepository::key(const std::string& name) {
  return name == "targets again" ? SigningKey("targets", "again") : SigningKey(name);
}

ForgedRepository::ForgedRepository() : root_(appliance_.root()), signer_(repository_.path()) {
  auto& targets = signer_.role("targets");
  targets.keys = {key("targets"), key("targets again"), key("second")};
  targets.threshold = 2;
  targets.signers = {key("targets"), key("second")};
  signer_.delegate("vendor", {"releases/EDGE_*/*"});
  signer_.add_release(name_of(not_theirs), manifest_of(name_of(not_theirs)), "vendor");
  signer_.add_release(name_of(ours), manifest_of(name_of(ours)));
  signer_.add_release(name_of(theirs), manifest_of(name_of(theirs)), "vendor");
  signer_.bake_root(appliance_.path());
  signer_.publish();
  generations_.push_back(files_below(repository_.path()));
  signer_.publish_again();
  generations_.push_back(files_below(repository_.path()));
  signer_.role("root").version = 2;
  signer_.role("timestamp").keys = {key("timestamp two")};
  signer_.publish_again();
  generations_.push_back(files_below(repository_.path()));
  for (const auto& documents : generations_)
    for (const auto& [path, text] : documents) remember_signers(text);
}

void ForgedRepository::remember_signers(const std::string& text) {
  const Json body = body_of(text);
  const auto signatures = Json::parse(text, wide)->member("signatures");
  if (!signatures) return;  // a manifest
  const auto items = signatures->array().value();
  for (const auto& signature : items)
    for (const std::string name :
         {"root", "timestamp", "timestamp two", "snapshot", "targets", "second", "vendor"})
      if (signature.string_at("keyid").value() == key(name).id())
        published_[name].emplace(body.canonical(), body);
}

void ForgedRepository::begin() {
  forged_.clear();
  fs::remove_all(appliance_.path() + "/var");
}

Documents ForgedRepository::state() const {
  return files_below(state_folder());
}

std::string ForgedRepository::sign(const Json& body, const std::vector<std::string>& by,
                                   const std::vector<std::string>& claimed) {
  const auto covered = body.canonical();
  Json::Array signatures;
  const auto add = [&](const std::string& id, const SigningKey& signer) {
    const auto bytes = signer.sign(covered);
    signatures.push_back(Json::Object{{"keyid", id}, {"sig", to_hex(bytes.data(), bytes.size())}});
  };
  for (const auto& name : by) {
    add(key(name).id(), key(name));
    forged_[name].emplace(covered, body);
  }
  for (const auto& name : claimed)
    if (std::find(by.begin(), by.end(), name) == by.end()) add(key(name).id(), key("stranger"));
  return Json(Json::Object{{"signed", body}, {"signatures", signatures}}).line();
}

bool ForgedRepository::was_signed(const std::string& text, const std::string& by) const {
  const auto covered = body_of(text).canonical();
  const auto has = [&](const Bodies& bodies) {
    const auto found = bodies.find(by);
    return found != bodies.end() && found->second.count(covered) != 0;
  };
  return has(published_) || has(forged_);
}

bool ForgedRepository::was_offered(const std::string& path, const std::string& content,
                                   const std::string& by) const {
  const auto hash = to_hex(sha256(content));
  const auto offers = [&](const auto& entry) {
    const auto targets = entry.second.member("targets");
    const auto file = targets ? targets->member(path) : targets;
    const auto hashes = file ? file->member("hashes") : file;
    const auto sha256 = hashes ? hashes->string_at("sha256") : Result<std::string>(Error{});
    const auto length = file ? file->unsigned_at("length") : Result<std::uint64_t>(Error{});
    return sha256 && *sha256 == hash && length && *length == content.size();
  };
  for (const auto* bodies : {&published_, &forged_})
    if (const auto found = bodies->find(by); found != bodies->end())
      if (std::any_of(found->second.begin(), found->second.end(), offers)) return true;
  return false;
}

// Most documents are looked at again and again.
Json body_of(const std::string& text) {
  constexpr std::size_t most_kept = 64;
  static std::map<std::string, Json> kept;
  if (const auto known = kept.find(text); known != kept.end()) return known->second;
  const auto document = Json::parse(text, wide);
  const auto body = document ? document->member("signed") : document;
  if (kept.size() == most_kept) kept.clear();
  return kept.emplace(text, body ? *body : Json()).first->second;
}

Result<std::string> DocumentFetcher::get(const std::string& path, std::size_t max_bytes) {
  if (max_bytes > std::size_t{1} << 20) std::abort();
  ++requests_;
  const auto found = documents_.find(path);
  if (found == documents_.end()) return Error{Errc::not_found, path + ": not there"};
  if (found->second == "unreachable") return Error{Errc::unreachable, path + ": no answer"};
  if (found->second.size() > max_bytes)
    return Error{Errc::corrupt, path + ": larger than " + std::to_string(max_bytes) + " bytes"};
  return found->second;
}

}  // namespace cube
