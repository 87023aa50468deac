// EtcdGateway: questions to the JSON gateway of whichever member of an etcd cluster answers.
//
// Endpoints are tried in order, from the one that answered last; what may have been done is not
// asked for again. Every question has a time, and all tries of one together. With a user a token is
// fetched when there is none or it no longer counts; the password's file is read anew each time.
// Not thread-safe.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "agent/fleet/etcd_messages.h"
#include "base/result.h"

namespace cube::fleet {

struct EtcdConfig {
  std::vector<std::string> endpoints;  // "https://10.0.0.1:2379"; 1 to 16
  // Keys that may be read and changed begin so.
  std::string prefix = "/cube-update/v1/";
  bool allow_http = false;         // http endpoints, to which no password goes
  std::string ca_file;             // PEM; "": the system's certificates
  std::string client_certificate;  // PEM; "": none. With a user its subject must have no CN
  std::string client_key;          // PEM; "": in client_certificate
  std::string user;                // "": none
  std::string password_file;       // one line; nobody but owner and group may read the file
  std::string through;             // socket of the fetch service; "": this process has the network
  std::chrono::milliseconds connect_timeout{2000};
  std::chrono::milliseconds request_timeout{4000};  // longer than etcd takes for a new leader
  std::chrono::milliseconds deadline{20000};        // of a question, to all endpoints together
  std::function<bool()> cancelled = {};
};

class EtcdGateway {
 public:
  // Asks nobody. Errors: invalid.
  static Result<EtcdGateway> open(EtcdConfig config);
  EtcdGateway(EtcdGateway&&) noexcept;
  EtcdGateway& operator=(EtcdGateway&&) noexcept;
  ~EtcdGateway();

  enum class Effect {
    none,  // may be asked again
    once,  // changes something
  };
  // The answer to `body` at `path` ("/v3/kv/range"). Errors: unreachable (nobody answers; with
  // Effect::once it may have been done, or be done later), no_space (nothing was done), untrusted
  // (a certificate, user, password, or what the user may do), invalid (what was asked cannot be
  // done, or the configuration), corrupt (an answer that is too large, or not etcd's), cancelled.
  Result<std::string> ask(const std::string& path, const std::string& body, Effect effect);
  // The same, of one member only, and with no effect. `endpoint`: its place in the configuration.
  Result<std::string> ask_one(std::size_t endpoint, const std::string& path,
                              const std::string& body);

  // From now on a question ends after that time, or when `cancelled` says so, which is asked often.
  void limit(std::chrono::milliseconds deadline, std::function<bool()> cancelled);

  [[nodiscard]] const EtcdConfig& config() const;

 private:
  struct State;
  explicit EtcdGateway(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace cube::fleet
