// cube-tuf-conformance: the TUF client of keys/ behind the command line of
// theupdateframework/tuf-conformance (its CLIENT-CLI.md). Exit code 0, or 1 with a sentence on
// stderr.
//
// The folder --metadata-dir holds the trusted root and all verified metadata; each document is kept
// as soon as it is verified, as the specification has it and that suite looks for. One option is
// our own: --time 2026-11-25T20:55:00Z, the time by which expiry is judged.
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/file_url.h"
#include "base/clock.h"
#include "base/digest.h"
#include "base/durable_file.h"
#include "base/http/http_client.h"
#include "base/root_dir.h"
#include "keys/file_check.h"
#include "keys/tuf_client.h"

namespace cube {
namespace {

constexpr std::size_t max_target_bytes = 64 * 1024 * 1024;
constexpr std::size_t max_file_name = 200;

using Options = std::map<std::string, std::string>;

// Metadata and targets live under addresses that have nothing in common.
class TwoPlaces final : public MetadataFetcher {
 public:
  TwoPlaces(std::string metadata, std::string targets, HttpConfig config)
      : places_{{"metadata/", std::move(metadata)}, {"targets/", std::move(targets)}},
        client_(std::move(config)) {}
  Result<std::string> get(const std::string& path, std::size_t max_bytes) override {
    for (const auto& [head, url] : places_) {
      if (!path.starts_with(head)) continue;
      const std::string slash = url.ends_with('/') ? "" : "/";
      return client_.get(url + slash + path.substr(head.size()), max_bytes);
    }
    return Error{Errc::bug, path + ": neither metadata nor a target"};
  }

 private:
  std::map<std::string, std::string> places_;
  HttpClient client_;
};

Result<std::string> option(const Options& options, const std::string& name) {
  const auto found = options.find(name);
  if (found == options.end()) return Error{Errc::invalid, name + " is missing"};
  return found->second;
}

Status init(const Options& options, const std::string& root_file) {
  CUBE_TRY(const auto folder, option(options, "--metadata-dir"));
  CUBE_TRY(const auto metadata, RootDir::open(folder));
  CUBE_TRY(const auto system, RootDir::running_system());
  char* absolute = ::realpath(root_file.c_str(), nullptr);
  if (absolute == nullptr) return system_error(root_file);
  const std::string path = absolute;
  std::free(absolute);
  CUBE_TRY(const auto text, system.read_file(path, max_metadata_bytes));
  return replace_file(metadata, "root.json", text);
}

// As a file of its own, whatever bytes the name has; ".." and the like are no file names.
std::string file_of_target(const std::string& name) {
  auto file = percent_encoded(name);
  if (file.starts_with('.')) file = "%2E" + file.substr(1);
  if (file.size() <= max_file_name) return file;
  return "sha256-" + to_hex(sha256(name));
}

Status download(TufClient& client, const Options& options) {
  CUBE_TRY(const auto name, option(options, "--target-name"));
  CUBE_TRY(const auto folder, option(options, "--target-dir"));
  CUBE_TRY(const auto targets, RootDir::open(folder));
  CUBE_TRY(const TargetFile file, client.find(name));
  const auto kept = targets.read_file(file_of_target(name), max_target_bytes);
  if (kept && check_content(*kept, described(file), name)) return ok();
  CUBE_TRY(const auto content, client.target(name, max_target_bytes));
  return replace_file(targets, file_of_target(name), content.get());
}

Status refresh(const Options& options, bool then_download) {
  CUBE_TRY(const auto folder, option(options, "--metadata-dir"));
  CUBE_TRY(const auto url, option(options, "--metadata-url"));
  const auto targets = options.find("--target-base-url");
  CUBE_TRY(const auto root, RootDir::open(folder));
  HttpConfig http;
  http.allow_http = true;
  http.tries = 1;
  auto fetcher =
      std::make_unique<TwoPlaces>(url, targets == options.end() ? "" : targets->second, http);
  UnixSeconds now = SystemClock(root).now();
  if (const auto time = options.find("--time"); time != options.end()) {
    CUBE_TRY(now, parse_utc(time->second));
  }
  const TufPlaces places{"root.json", ".", TufStore::Writes::at_once};
  CUBE_TRY(auto client, TufClient::open(root, Freshness(now), places, std::move(fetcher)));
  CUBE_CHECK(client.refresh());
  return then_download ? download(client, options) : ok();
}

Status run(const std::vector<std::string>& words) {
  Options options;
  std::vector<std::string> rest;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!words[i].starts_with("--")) {
      rest.push_back(words[i]);
    } else if (i + 1 < words.size()) {
      options[words[i]] = words[i + 1];
      ++i;
    }
  }
  if (rest.size() == 2 && rest[0] == "init") return init(options, rest[1]);
  if (rest.size() == 1 && rest[0] == "refresh") return refresh(options, false);
  if (rest.size() == 1 && rest[0] == "download") return refresh(options, true);
  return Error{Errc::invalid,
               "cube-tuf-conformance --metadata-dir DIR [--metadata-url URL] init ROOT | refresh | "
               "--target-name NAME --target-base-url URL --target-dir DIR download"};
}

}  // namespace
}  // namespace cube

int main(int argc, char** argv) {
  const auto status = cube::run(std::vector<std::string>(argv + 1, argv + argc));
  if (status) return 0;
  std::fprintf(stderr, "cube-tuf-conformance: %s\n", status.error().what.c_str());
  return 1;
}
