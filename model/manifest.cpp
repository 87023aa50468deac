#include "model/manifest.h"

#include <algorithm>
#include <initializer_list>

#include "base/digest.h"
#include "base/json.h"
#include "model/name.h"

namespace cube {
namespace {

// 2: with a schema of state. Releases without one stay readable for agents that only know 1.
constexpr std::uint64_t format = 1, format_with_state = 2;
constexpr std::uint64_t max_count = (std::uint64_t{1} << 53) - 1;
constexpr std::uint64_t max_deadline = 24 * 60 * 60;

Error corrupt(const std::string& what) {
  return {Errc::corrupt, what};
}

// An object with exactly these members.
Status check_members(const Json& json, std::initializer_list<std::string_view> names) {
  CUBE_TRY(const auto members, json.object());
  for (const auto& [key, member] : members)
    if (std::find(names.begin(), names.end(), key) == names.end())
      return corrupt("an unknown member; this agent may be too old for the release");
  for (const auto name : names)
    if (members.count(std::string(name)) == 0)
      return corrupt("no member \"" + std::string(name) + "\"");
  return ok();
}

Result<Json> part(const Json& json, const std::string& key,
                  std::initializer_list<std::string_view> names) {
  CUBE_TRY(Json found, json.member(key));
  auto members = check_members(found, names);
  if (!members) return std::move(members).error().in("\"" + key + "\"");
  return found;
}

Result<std::uint64_t> count_at(const Json& json, const std::string& key, std::uint64_t max) {
  CUBE_TRY(const auto count, json.unsigned_at(key));
  if (count > max) return corrupt("\"" + key + "\" is larger than " + std::to_string(max));
  return count;
}

Result<ReleaseName> parse_name(const Json& json) {
  CUBE_TRY(const auto text, json.string_at("name"));
  auto name = ReleaseName::parse(text);
  if (!name) return corrupt("\"name\": " + name.error().what);
  const std::pair<const char*, const std::string*> parts[] = {{"product", &name->product},
                                                              {"version", &name->version.text()},
                                                              {"built", &name->built},
                                                              {"source", &name->source}};
  for (const auto& [key, expected] : parts) {
    CUBE_TRY(const auto value, json.string_at(key));
    if (value != *expected)
      return corrupt(std::string("\"") + key + "\" is not what the name says");
  }
  return name;
}

Status parse_tree(Release& release, const Json& json) {
  CUBE_TRY(const Json ostree, part(json, "ostree", {"commit"}));
  CUBE_TRY(release.commit, ostree.string_at("commit"));
  if (!is_sha256_hex(release.commit)) return corrupt("\"commit\" is not 64 hex digits");
  CUBE_TRY(const Json tree, part(json, "tree", {"bytes", "inodes"}));
  CUBE_TRY(release.tree_bytes, count_at(tree, "bytes", max_count));
  CUBE_TRY(release.tree_inodes, count_at(tree, "inodes", max_count));
  return ok();
}

Status parse_boot(Release& release, const Json& json) {
  CUBE_TRY(const Json kernel, part(json, "kernel", {"release"}));
  CUBE_TRY(release.kernel_release, kernel.string_at("release"));
  if (!release.kernel_release.empty() && !is_safe_name(release.kernel_release))
    return corrupt("kernel \"release\" is not a safe name");
  CUBE_TRY(const Json trial, part(json, "trial", {"deadline"}));
  CUBE_TRY(const auto deadline, count_at(trial, "deadline", max_deadline));
  release.trial_deadline = static_cast<std::int64_t>(deadline);
  return ok();
}

Status check_digest(const std::string& text) {
  if (is_sha256_hex(text)) return ok();
  return corrupt("\"sha256\" is not 64 hex digits");
}

bool is_pack_file(const std::string& name) {
  return is_safe_name(name) && name.ends_with(".pack");
}

Result<Pack> parse_pack(const Json& json) {
  CUBE_TRY(const auto members, json.object());
  Pack pack;
  if (members.count("from") != 0) {
    CUBE_CHECK(check_members(json, {"file", "length", "sha256", "index", "from"}));
    CUBE_TRY(pack.from, json.string_at("from"));
    if (!is_sha256_hex(pack.from)) return corrupt("\"from\" is not 64 hex digits");
  } else {
    CUBE_CHECK(check_members(json, {"file", "length", "sha256", "index"}));
  }
  CUBE_TRY(pack.file, json.string_at("file"));
  if (!is_pack_file(pack.file)) return corrupt("\"file\" is not a safe name that ends in .pack");
  CUBE_TRY(pack.length, count_at(json, "length", max_count));
  CUBE_TRY(pack.sha256, json.string_at("sha256"));
  CUBE_CHECK(check_digest(pack.sha256));
  CUBE_TRY(const Json index, part(json, "index", {"offset", "length", "sha256"}));
  CUBE_TRY(pack.index_offset, count_at(index, "offset", max_count));
  CUBE_TRY(pack.index_length, count_at(index, "length", max_count));
  CUBE_TRY(pack.index_sha256, index.string_at("sha256"));
  CUBE_CHECK(check_digest(pack.index_sha256));
  if (pack.index_offset == 0 || pack.index_length == 0 ||
      pack.index_offset + pack.index_length != pack.length)  // both are below 2^53
    return corrupt("its index is not the last part of the file");
  return pack;
}

Status parse_packs(Release& release, const Json& json) {
  CUBE_TRY(const Json packs, json.member("packs"));
  CUBE_TRY(const auto list, packs.array());
  if (list.size() > max_packs) return corrupt("more than " + std::to_string(max_packs) + " packs");
  for (std::size_t i = 0; i < list.size(); ++i) {
    auto pack = parse_pack(list[i]);
    if (!pack) return std::move(pack).error().in("pack " + std::to_string(i));
    if (pack->from == release.commit)
      return corrupt("pack " + std::to_string(i) + ": is a delta from the release itself");
    for (const auto& other : release.packs) {
      if (other.file == pack->file)
        return corrupt("pack file \"" + pack->file + "\" is there twice");
      if (!pack->from.empty() && other.from == pack->from)
        return corrupt("there are two deltas from commit " + pack->from);
    }
    release.packs.push_back(std::move(pack).value());
  }
  return ok();
}

Json packs_json(const Release& release) {
  Json::Array packs;
  for (const auto& pack : release.packs) {
    Json::Object members{{"file", pack.file},
                         {"length", pack.length},
                         {"sha256", pack.sha256},
                         {"index", Json::Object{{"offset", pack.index_offset},
                                                {"length", pack.index_length},
                                                {"sha256", pack.index_sha256}}}};
    if (!pack.from.empty()) members["from"] = pack.from;
    packs.push_back(std::move(members));
  }
  return packs;
}

Result<Release> read_manifest(std::string_view text) {
  CUBE_TRY(const Json json, Json::parse(text, {max_manifest_bytes, 8}));
  CUBE_TRY(const auto found, json.unsigned_at("format"));
  if (found == format) {
    CUBE_CHECK(check_members(json, {"format", "name", "product", "version", "built", "source",
                                    "epoch", "ostree", "tree", "kernel", "trial", "packs"}));
  } else if (found == format_with_state) {
    CUBE_CHECK(
        check_members(json, {"format", "name", "product", "version", "built", "source", "epoch",
                             "ostree", "tree", "kernel", "trial", "packs", "state"}));
  } else {
    return corrupt("format " + std::to_string(found) +
                   " is not known here; only formats 1 and 2 are");
  }
  CUBE_TRY(ReleaseName name, parse_name(json));
  Release release;
  release.name = std::move(name);
  CUBE_TRY(release.epoch, count_at(json, "epoch", max_count));
  CUBE_CHECK(parse_tree(release, json));
  CUBE_CHECK(parse_boot(release, json));
  CUBE_CHECK(parse_packs(release, json));
  if (found == format_with_state) {
    CUBE_TRY(const Json state, part(json, "state", {"schema"}));
    CUBE_TRY(release.schema, count_at(state, "schema", max_count));
    if (release.schema == 0) return corrupt("\"schema\" is 0, which format 1 says without it");
  }
  release.manifest_sha256 = to_hex(sha256(text));
  return release;
}

}  // namespace

Result<Release> parse_manifest(std::string_view text) {
  auto release = read_manifest(text);
  if (!release) return std::move(release).error().in("manifest");
  return release;
}

std::string render_manifest(const Release& release) {
  const auto& name = release.name;
  Json::Object manifest{
      {"format", release.schema > 0 ? format_with_state : format},
      {"name", name.text},
      {"product", name.product},
      {"version", name.version.text()},
      {"built", name.built},
      {"source", name.source},
      {"epoch", release.epoch},
      {"ostree", Json::Object{{"commit", release.commit}}},
      {"tree", Json::Object{{"bytes", release.tree_bytes}, {"inodes", release.tree_inodes}}},
      {"kernel", Json::Object{{"release", release.kernel_release}}},
      {"trial", Json::Object{{"deadline", release.trial_deadline}}},
      {"packs", packs_json(release)}};
  if (release.schema > 0) manifest["state"] = Json::Object{{"schema", release.schema}};
  return Json(std::move(manifest)).pretty();
}

}  // namespace cube
