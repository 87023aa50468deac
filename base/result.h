// Result<T>: a value or an Error that says what the caller can do about it.
//
//   Result<Fd> open_dir(...);          CUBE_TRY(auto fd, open_dir(path));
//   Status sync_dir(const Fd&);        CUBE_CHECK(sync_dir(fd));
//
// Spelled like std::expected (which GCC 12 has only in C++23 mode and clang 14 not at all), so that
// it can become an alias later. Every Result is [[nodiscard]]: an error is returned or handled,
// never "warned and ignored".
#pragma once

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>
#include <variant>

namespace cube {

// What the caller can do. The command line maps each to one exit code (agent/cli/exit_code.h).
enum class Errc {
  failed,         // an operation of the system failed (see sys_errno); try again or look at the log
  invalid,        // usage or configuration: correct it
  nothing_to_do,  // the wished state is already there
  untrusted,      // no valid signature, expired, rolled back metadata: not believed
  unsuitable,     // believed, but not for this machine: product, version, epoch, denied
  refused,        // preflight, policy or health said no
  corrupt,        // content differs from what was signed or written
  no_space,       // bytes or inodes are missing
  unreachable,    // the source does not answer: retry later
  busy,           // somebody else holds the lock
  cannot_arm,     // boot loader, its environment or the watchdog policy: no safe trial possible
  not_found,      // the named thing does not exist
  cancelled,      // the operator or a signal asked to stop
  bug,            // a broken promise inside this program
};

struct Error {
  Errc code = Errc::failed;
  std::string what;    // one line: which object, why
  int sys_errno = 0;   // 0 when no system call failed

  // The same error seen from one layer further out: "outer: what".
  [[nodiscard]] Error in(const std::string& outer) && {
    what = outer + ": " + what;
    return std::move(*this);
  }
};

// From errno. ENOSPC and EDQUOT become no_space, ENOENT not_found; all others `failed`.
[[nodiscard]] inline Error system_error(const std::string& what, int error_number = errno) {
  Errc code = Errc::failed;
  if (error_number == ENOSPC || error_number == EDQUOT) code = Errc::no_space;
  if (error_number == ENOENT) code = Errc::not_found;
  return {code, what + ": " + std::strerror(error_number), error_number};
}

template <typename T>
class [[nodiscard]] Result {
 public:
  template <typename U>
  using rebind = Result<U>;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool has_value() const { return state_.index() == 0; }
  explicit operator bool() const { return has_value(); }
  [[nodiscard]] T& value() & { return std::get<0>(state_); }
  [[nodiscard]] const T& value() const& { return std::get<0>(state_); }
  [[nodiscard]] T&& value() && { return std::get<0>(std::move(state_)); }
  [[nodiscard]] Error& error() & { return std::get<1>(state_); }
  [[nodiscard]] const Error& error() const& { return std::get<1>(state_); }
  [[nodiscard]] Error&& error() && { return std::get<1>(std::move(state_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

 private:
  std::variant<T, Error> state_;
};

using Ok = std::monostate;
using Status = Result<Ok>;

[[nodiscard]] inline Status ok() { return Ok{}; }

#define CUBE_JOIN_(a, b) a##b
#define CUBE_JOIN(a, b) CUBE_JOIN_(a, b)
#define CUBE_TRY_(result, declaration, ...)              \
  auto result = (__VA_ARGS__);                           \
  if (!result) return std::move(result).error();         \
  declaration = std::move(result).value()
// Declares a variable from a Result, or returns the error to the caller.
#define CUBE_TRY(declaration, ...) \
  CUBE_TRY_(CUBE_JOIN(cube_try_, __LINE__), declaration, __VA_ARGS__)
// Goes on only if the Status is ok; otherwise returns the error to the caller.
#define CUBE_CHECK(...)                                                     \
  do {                                                                      \
    if (auto cube_status = (__VA_ARGS__); !cube_status)                     \
      return std::move(cube_status).error();                                \
  } while (false)

}  // namespace cube
