#include "agent/fleet/fleet_lock.h"

#include <algorithm>
#include <random>
#include <thread>

#include "base/http/pause.h"
#include "base/json.h"

namespace cube::fleet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t max_name_bytes = 128;
constexpr std::size_t max_said_bytes = 200;
constexpr std::size_t max_answer_bytes = 64 * 1024;
constexpr milliseconds one_request{10'000};

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

bool may_be_group(const std::string& text) {
  return !text.empty() && text.size() <= max_name_bytes &&
         text.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
             std::string::npos;
}

// "KIND: VALUE", as the lock says it, or that it does not.
std::string said_in(const HttpAnswer& answer) {
  const auto json = Json::parse(answer.body);
  std::string said;
  for (const auto* key : {"kind", "value"}) {
    const auto text = json ? json->string_at(key) : Result<std::string>(json.error());
    if (text && printable(*text)) said += (said.empty() ? "" : ": ") + *text;
  }
  if (said.empty()) return "status " + std::to_string(answer.status) + " without a reason";
  return said.substr(0, max_said_bytes);
}

// A lock that is full, and one that lost a race inside, both say 500.
Errc code_for(int status) {
  if (status == 500 || status == 409 || status == 423) return Errc::busy;
  if (status == 401 || status == 403) return Errc::untrusted;
  if (status > 500 || status == 408 || status == 425 || status == 429) return Errc::unreachable;
  return status < 400 ? Errc::corrupt : Errc::invalid;
}

}  // namespace

struct FleetLock::State {
  FleetLockConfig config;
  HttpClient http;
  std::random_device random;

  explicit State(FleetLockConfig given) : config(std::move(given)), http(config.http) {}

  [[nodiscard]] bool wait(milliseconds pause) const {
    if (config.wait) return config.wait(pause);
    const auto end = steady_clock::now() + pause;
    while (steady_clock::now() < end) {
      if (config.http.cancelled && config.http.cancelled()) return false;
      std::this_thread::sleep_for(
          std::min<steady_clock::duration>(milliseconds{200}, end - steady_clock::now()));
    }
    return true;
  }

  Status ask_once(const std::string& url, const PostedDocument& document, milliseconds time) {
    CUBE_TRY(const auto answer, http.post(url, document, max_answer_bytes, time));
    if (answer.status == 200) return ok();
    return Error{code_for(answer.status), "the lock at " + url + ": " + said_in(answer)};
  }

  Status ask(const std::string& what) {
    const auto url = config.url + what;
    const PostedDocument document{
        Json(Json::Object{
                 {"client_params", Json::Object{{"id", config.id}, {"group", config.group}}}})
            .canonical(),
        {{RequestField::content_type, "application/json"},
         {RequestField::fleet_lock_protocol, "true"}}};
    const auto end = steady_clock::now() + config.http.deadline;
    for (int failed = 1;; ++failed) {
      const auto left = duration_cast<milliseconds>(end - steady_clock::now());
      auto status = ask_once(url, document, std::clamp(left, milliseconds{1}, one_request));
      if (status) return status;
      const auto code = status.error().code;
      if (code != Errc::busy && code != Errc::unreachable) return status;
      const auto pause = pause_after(failed, random(), std::chrono::seconds{0});
      if (failed >= config.http.tries || steady_clock::now() + pause >= end) return status;
      if (!wait(pause)) return Error{Errc::cancelled, url + ": stopped on request"};
    }
  }
};

FleetLock::FleetLock(std::unique_ptr<State> state) : state_(std::move(state)) {}
FleetLock::FleetLock(FleetLock&&) noexcept = default;
FleetLock& FleetLock::operator=(FleetLock&&) noexcept = default;
FleetLock::~FleetLock() = default;

Result<FleetLock> FleetLock::open(FleetLockConfig config) {
  if (config.url.ends_with('/')) config.url.pop_back();
  CUBE_CHECK(check_url(config.url, config.http.allow_http));
  if (config.url.starts_with("file:")) return Error{Errc::invalid, config.url + ": is no lock"};
  if (!may_be_group(config.group))
    return Error{Errc::invalid, "a lock's group is of letters, digits, '.' and '-', at most 128"};
  if (config.id.empty() || config.id.size() > max_name_bytes || !printable(config.id))
    return Error{Errc::invalid, "a lock's id of a machine is printable ASCII, at most 128"};
  return FleetLock(std::make_unique<State>(std::move(config)));
}

Status FleetLock::pre_reboot() {
  return state_->ask("/v1/pre-reboot");
}

Status FleetLock::steady_state() {
  return state_->ask("/v1/steady-state");
}

}  // namespace cube::fleet
