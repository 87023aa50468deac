// cube-update verify: what a repository or a document is, who signed it, until when, and what this
// machine makes of it.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "agent/appliance.h"
#include "agent/cli/commands.h"
#include "agent/cli/exit_code.h"
#include "agent/cli/narrator.h"
#include "agent/cli/stale.h"
#include "agent/selection.h"
#include "base/json.h"
#include "keys/lone_document.h"
#include "keys/trusted_root.h"
#include "model/manifest.h"

namespace cube::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t shown_digits = 16;  // of a checksum of 64, for people

constexpr JsonLimits document_limits{max_targets_bytes, 16};

// A file that is JSON at least.
Result<std::string> read_document(const std::string& file) {
  const fs::path path = file;
  CUBE_TRY(const auto folder, RootDir::open(path.parent_path()));
  auto text = folder.read_file(path.filename(), document_limits.max_bytes);
  if (!text) return std::move(text).error().in(file);
  const auto json = Json::parse(*text, document_limits);
  if (!json) return Error{Errc::untrusted, file + ": no document: " + json.error().what};
  return text;
}

Json release_json(const Release& release, const Status& verdict) {
  return Json(Json::Object{{"name", release.name.text},
                           {"epoch", release.epoch},
                           {"kernel", release.kernel_release},
                           {"tree_bytes", release.tree_bytes},
                           {"tree_inodes", release.tree_inodes},
                           {"commit", release.commit},
                           {"manifest_sha256", release.manifest_sha256},
                           {"admissible", verdict.has_value()},
                           {"reason", verdict ? "" : verdict.error().what}});
}

void print_release(const Release& release, const Status& verdict) {
  fmt::print("{}\n  kernel {}, epoch {}, {} in {} inodes\n  commit {}, manifest {}\n  {}\n",
             release.name.text, release.kernel_release.empty() ? "unknown" : release.kernel_release,
             release.epoch, amount(release.tree_bytes, "bytes"), release.tree_inodes,
             release.commit.substr(0, shown_digits),
             release.manifest_sha256.substr(0, shown_digits),
             verdict ? "this machine would take it" : verdict.error().what);
}

struct Judge {
  Appliance& appliance;
  Journal journal;
  Standing standing;

  [[nodiscard]] Status operator()(const Release& release) const {
    return admissible(release, standing, journal);
  }
};

// A manifest bears no signature of its own: it counts when the repository lists exactly it.
Result<Release> vouched_for(Appliance& appliance, const std::string& file,
                            const std::string& text) {
  auto release = parse_manifest(text);
  if (!release) return Error{Errc::untrusted, file + ": " + release.error().what};
  if (appliance.source().url().empty())
    return Error{Errc::untrusted, file + ": the manifest of " + release->name.text +
                                      ", which only a repository can vouch for; name it with "
                                      "--from"};
  CUBE_TRY(auto* channel, appliance.source().channel());
  auto offered = channel->release(release->name.text);
  if (!offered && offered.error().code == Errc::not_found)
    return Error{Errc::untrusted, file + ": " + offered.error().what};
  if (!offered) return std::move(offered).error().in(file);
  if (offered->get() == *release) return *release;
  return Error{Errc::untrusted, file + ": is not the manifest of " + release->name.text +
                                    " that repository " + appliance.source().url() + " lists"};
}

Result<int> verify_manifest(const Common& common, const Judge& judge, const std::string& file,
                            const std::string& text) {
  CUBE_TRY(const Release release, vouched_for(judge.appliance, file, text));
  const auto verdict = judge(release);
  const auto stale = log_stale(judge.appliance);
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"event", "result"},
                                         {"file", file},
                                         {"repository", judge.appliance.source().url()},
                                         {"stale", stale},
                                         {"releases", Json::Array{release_json(release, verdict)}}})
                           .line());
    return exit_done;
  }
  fmt::print("manifest {}, as repository {} lists it\n", file, judge.appliance.source().url());
  if (!stale.empty()) fmt::print("{}\n", stale);
  print_release(release, verdict);
  return exit_done;
}

Result<int> verify_document(const Common& common, const Appliance& appliance,
                            const std::string& file, const std::string& text, Freshness freshness) {
  const ChannelConfig places;
  auto trusted = read_trusted_root(appliance.root(), places.trusted_root);
  if (!trusted)
    return Error{Errc::untrusted, "trusted root " + appliance.root().join(places.trusted_root) +
                                      ": " + trusted.error().what};
  auto document = inspect_document(text, *trusted, std::move(freshness));
  if (!document) return std::move(document).error().in(file);
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"event", "result"},
                                         {"file", file},
                                         {"trusted", document->doubt.empty()},
                                         {"documents", Json::Array{as_json(document->signing)}}})
                           .line());
  } else {
    fmt::print("metadata {}\n", file);
    fmt::print("  {}\n", as_text(document->signing));
  }
  if (!document->doubt.empty()) return Error{Errc::untrusted, file + ": " + document->doubt};
  if (!common.json)
    fmt::print("the trusted root of this machine, version {}, vouches for it\n", trusted->version);
  return exit_done;
}

Result<int> verify_repository(const Common& common, const Judge& judge) {
  CUBE_TRY(auto* channel, judge.appliance.source().channel());
  CUBE_TRY(const auto names, channel->names());
  Json::Array documents, releases;
  std::vector<std::pair<Release, Status>> judged;
  for (const auto& name : names) {
    CUBE_TRY(const auto release, channel->release(name.text));
    judged.emplace_back(release.get(), judge(release.get()));
    releases.push_back(release_json(judged.back().first, judged.back().second));
  }
  CUBE_TRY(const auto signings, channel->signings());
  for (const auto& signing : signings) documents.push_back(as_json(signing));
  const auto stale = log_stale(judge.appliance);
  const auto& url = judge.appliance.source().url();
  if (common.json) {
    fmt::print("{}\n", Json(Json::Object{{"event", "result"},
                                         {"repository", url},
                                         {"stale", stale},
                                         {"documents", std::move(documents)},
                                         {"releases", std::move(releases)}})
                           .line());
    return exit_done;
  }
  fmt::print("repository {}, believed by the trusted root of this machine\n", url);
  for (const auto& signing : signings) fmt::print("  {}\n", as_text(signing));
  if (!stale.empty()) fmt::print("{}\n", stale);
  for (const auto& [release, verdict] : judged) print_release(release, verdict);
  return exit_done;
}

}  // namespace

Result<int> verify(const Common& common, const std::string& what, const LookOptions& options) {
  const std::string place = absolute_place(what);
  std::error_code ignored;
  const bool is_file = fs::is_regular_file(place, ignored);
  CUBE_TRY(auto appliance,
           Appliance::open(common.root,
                           is_file || place.empty() ? absolute_place(options.from) : place));
  if (options.accept_stale) CUBE_CHECK(accept_stale(*appliance));
  appliance->source().only_look();
  std::string text;
  if (is_file) {
    CUBE_TRY(text, read_document(place));
    if (Json::parse(text, document_limits)->has("signatures"))
      return verify_document(common, *appliance, place, text,
                             Freshness(appliance->clock().now(), options.accept_stale));
  }
  CUBE_TRY(auto journal, appliance->journal().load());
  CUBE_TRY(auto standing, standing_of(*appliance, journal));
  const Judge judge{*appliance, std::move(journal), std::move(standing)};
  return is_file ? verify_manifest(common, judge, place, text) : verify_repository(common, judge);
}

}  // namespace cube::cli
