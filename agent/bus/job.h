// Job: what a caller of the service asks for, as one run of the program cube-update. The service
// itself changes nothing; what it refuses here never reaches the program. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace cube {

enum class Method { check, fetch, apply, commit, rollback, deny, allow, diagnose };
// "Check", "Fetch", ...: on the bus. Its action is the same in small letters.
[[nodiscard]] std::string_view to_string(Method method);

// An open folder; the descriptor travels beside the request.
struct HandedFolder {};

struct Option {
  std::string name;
  std::variant<bool, std::uint64_t, std::string, HandedFolder> value;
};

struct Request {
  Method method{};
  std::string release;        // fetch, apply: "" is the newest; deny, allow
  std::string reason;         // deny
  std::uint64_t attempt = 0;  // diagnose: 0 is the last one that failed
  std::vector<Option> options;
};

struct Job {
  Method method{};
  std::vector<std::string> words;  // of the command line, after the program's name
  bool overrides = false;          // a rule of this machine shall not count
  bool handed = false;             // the repository is a folder that the caller handed over

  // A job that does not end soon: it is begun, and its end is told by a signal.
  [[nodiscard]] bool is_long() const {
    return method == Method::fetch || method == Method::apply || method == Method::commit ||
           method == Method::rollback;
  }
  // Asks a web server, if that is where the releases are.
  [[nodiscard]] bool asks_source() const {
    return method == Method::check || method == Method::fetch || method == Method::apply;
  }
};

inline constexpr std::size_t max_options = 16;

// Errors: invalid (an option that the method does not have, of another type or out of range; no
// name of a release).
[[nodiscard]] Result<Job> job_of(const Request& request);

}  // namespace cube
