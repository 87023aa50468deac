#include "agent/fleet/etcd_gateway.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/fd.h"
#include "base/http/http_client.h"
#include "base/io.h"
#include "base/mutation.h"

namespace cube::fleet {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::size_t max_endpoints = 16;
constexpr std::size_t max_name_bytes = 256;
constexpr std::size_t max_login_answer = 16 * 1024;

bool printable(const std::string& text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

Error wrong(const std::string& what) {
  return {Errc::invalid, "etcd: " + what};
}

Status check(EtcdConfig& config) {
  if (config.endpoints.empty() || config.endpoints.size() > max_endpoints)
    return wrong("1 to " + std::to_string(max_endpoints) + " endpoints are needed");
  for (auto& endpoint : config.endpoints) {
    if (endpoint.ends_with('/')) endpoint.pop_back();
    CUBE_CHECK(check_url(endpoint, config.allow_http));
    const auto host = endpoint.find("://");
    if (endpoint.starts_with("file:") ||
        endpoint.find_first_of("/?#", host + 3) != std::string::npos)
      return wrong(endpoint + ": an endpoint is a scheme, a host and a port");
    if (!config.user.empty() && !endpoint.starts_with("https:"))
      return wrong(endpoint + ": a password goes to https endpoints only");
  }
  if (config.prefix.empty()) return wrong("no prefix");
  if (config.user.size() > max_name_bytes || !printable(config.user)) return wrong("no such user");
  if (config.user.empty() != config.password_file.empty())
    return wrong("a user needs the file of a password, and the other way round");
  return ok();
}

Result<std::string> password_in(const std::string& path) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid()) return wrong(system_error("open " + path).what);
  struct stat st {};
  if (::fstat(file.get(), &st) != 0 || !S_ISREG(st.st_mode)) return wrong(path + ": not a file");
  if ((st.st_mode & S_IRWXO) != 0)
    return wrong(path + ": others may read the password; chmod o= " + path);
  auto password = read_all(file, max_name_bytes);
  if (!password) return wrong(path + ": " + password.error().what);
  if (password->ends_with('\n')) password->pop_back();
  if (password->empty() || !printable(*password))
    return wrong(path + ": not one line of printable ASCII");
  return password;
}

// `config` outlives it: who may cancel can change.
HttpConfig http_config(const EtcdConfig& config) {
  HttpConfig http;
  http.allow_http = config.allow_http;
  http.ca_file = config.ca_file;
  http.client_certificate = config.client_certificate;
  http.client_key = config.client_key;
  http.through = config.through;
  http.connect_timeout = std::max(std::chrono::seconds{1},
                                  duration_cast<std::chrono::seconds>(config.connect_timeout));
  http.cancelled = [&config] { return config.cancelled && config.cancelled(); };
  return http;
}

Errc code_for(EtcdRefusal::Kind kind) {
  using Kind = EtcdRefusal::Kind;
  switch (kind) {
    case Kind::no_space:
      return Errc::no_space;
    case Kind::overloaded:
    case Kind::no_answer:
      return Errc::unreachable;
    case Kind::not_logged_in:
    case Kind::not_allowed:
      return Errc::untrusted;
    case Kind::not_possible:
      return Errc::invalid;
    case Kind::no_etcd:
      break;
  }
  return Errc::corrupt;
}

// What came of one question to one member.
struct Attempt {
  Result<std::string> answer;
  bool another_may = false;       // it is worth to ask another member
  bool may_be_done = false;       // though there is no answer
  bool token_counts_not = false;  // nothing was done for want of a token that counts
};

}  // namespace

struct EtcdGateway::State {
  EtcdConfig config;
  HttpClient http;
  std::size_t current = 0;  // endpoint that is asked first
  std::string token;

  explicit State(EtcdConfig given) : config(std::move(given)), http(http_config(config)) {}

  Attempt post(std::size_t endpoint, const std::string& path, const std::string& body,
               std::size_t max_bytes, milliseconds time) {
    PostedDocument document{body,
                            {{RequestField::content_type, "application/json"},
                             // Without a leader it says so at once, and does not wait for one.
                             {RequestField::grpc_has_leader, "true"}}};
    if (!token.empty()) document.fields[RequestField::authorization] = token;
    const auto& url = config.endpoints[endpoint];
    auto answer =
        http.post(url + path, document, max_bytes, std::min(time, config.request_timeout));
    if (!answer) {
      const auto code = answer.error().code;
      const bool another = code == Errc::unreachable || code == Errc::untrusted;
      return {std::move(answer).error(), another, another && http.sent()};
    }
    if (answer->status == 200) return {std::move(answer->body)};
    const auto refusal = refusal_in(answer->status, answer->body);
    using Kind = EtcdRefusal::Kind;
    const bool unknown = refusal.kind == Kind::no_answer;
    return {Error{code_for(refusal.kind), url + ": " + refusal.why},
            unknown || refusal.kind == Kind::overloaded, unknown,
            refusal.kind == Kind::not_logged_in};
  }

  // Errors: as ask(). A login changes nothing.
  Attempt log_in(std::size_t endpoint, milliseconds time) {
    token.clear();
    auto password = password_in(config.password_file);
    if (!password) return {std::move(password).error()};
    auto attempt = post(endpoint, "/v3/auth/authenticate", login_request(config.user, *password),
                        max_login_answer, time);
    attempt.may_be_done = false;
    if (!attempt.answer) return attempt;
    auto fetched = token_in(*attempt.answer);
    if (!fetched) return {std::move(fetched).error()};
    token = std::move(*fetched);
    return {std::string()};
  }

  Attempt attempt(std::size_t endpoint, const std::string& path, const std::string& body,
                  steady_clock::time_point end) {
    const auto left = [end] { return duration_cast<milliseconds>(end - steady_clock::now()); };
    bool fresh = false;
    for (;;) {
      if (!config.user.empty() && token.empty()) {
        if (auto login = log_in(endpoint, left()); !login.answer) return login;
        fresh = true;
      }
      auto asked = post(endpoint, path, body, max_etcd_answer, left());
      const bool renew = asked.token_counts_not && !config.user.empty() && !fresh &&
                         left() > milliseconds{0} && !mutated("etcd-token-not-renewed");
      if (!renew) return asked;
      token.clear();
    }
  }
};

EtcdGateway::EtcdGateway(std::unique_ptr<State> state) : state_(std::move(state)) {}
EtcdGateway::EtcdGateway(EtcdGateway&&) noexcept = default;
EtcdGateway& EtcdGateway::operator=(EtcdGateway&&) noexcept = default;
EtcdGateway::~EtcdGateway() = default;

Result<EtcdGateway> EtcdGateway::open(EtcdConfig config) {
  CUBE_CHECK(check(config));
  return EtcdGateway(std::make_unique<State>(std::move(config)));
}

void EtcdGateway::limit(milliseconds deadline, std::function<bool()> cancelled) {
  state_->config.deadline = deadline;
  state_->config.cancelled = std::move(cancelled);
}

const EtcdConfig& EtcdGateway::config() const {
  return state_->config;
}

Result<std::string> EtcdGateway::ask(const std::string& path, const std::string& body,
                                     Effect effect) {
  const auto end = steady_clock::now() + state_->config.deadline;
  const auto count = state_->config.endpoints.size();
  const auto first = state_->current;
  Error last{Errc::unreachable, "etcd: no time to ask"};
  for (std::size_t n = 0; n < count && steady_clock::now() < end; ++n) {
    const auto endpoint = (first + n) % count;
    auto attempt = state_->attempt(endpoint, path, body, end);
    state_->current = endpoint;
    if (attempt.answer || !attempt.another_may) return std::move(attempt.answer);
    state_->current = (endpoint + 1) % count;
    Error error = std::move(attempt.answer).error();
    if (effect == Effect::once && attempt.may_be_done && !mutated("etcd-commit-asked-again"))
      return Error{Errc::unreachable, "it may have been done: " + error.what};
    // Somebody who may answer later outweighs a certificate that is not believed.
    if (n == 0 || error.code == Errc::unreachable || last.code != Errc::unreachable)
      last = std::move(error);
  }
  return last;
}

Result<std::string> EtcdGateway::ask_one(std::size_t endpoint, const std::string& path,
                                         const std::string& body) {
  if (endpoint >= state_->config.endpoints.size()) return wrong("no such endpoint");
  return state_->attempt(endpoint, path, body, steady_clock::now() + state_->config.deadline)
      .answer;
}

}  // namespace cube::fleet
