#include "release/cli/asked_passphrases.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/io.h"

namespace cube::publish_cli {
namespace {

constexpr std::size_t max_bytes = 1024;

Result<SecretText> checked(SecretText secret) {
  if (secret.text().empty()) return Error{Errc::invalid, "passphrase: it is empty"};
  if (secret.text().size() > max_bytes)
    return Error{Errc::invalid, "passphrase: it is longer than 1024 bytes"};
  return secret;
}

// One byte at a time: what comes after the line is somebody else's.
Result<SecretText> read_line(int fd) {
  std::string line;
  line.reserve(max_bytes + 2);  // never copied to another place while it grows
  ssize_t count = 0;
  for (char c = 0; line.size() <= max_bytes;) {
    count = ::read(fd, &c, 1);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0 || c == '\n') break;
    line.push_back(c);
  }
  const int failed = errno;
  SecretText secret(std::move(line));
  if (count < 0) return system_error("read the passphrase", failed);
  return secret;
}

// The terminal without echo, as it was before at the end.
class Quiet {
 public:
  explicit Quiet(int fd) : fd_(fd) {
    if (::tcgetattr(fd, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(fd, TCSAFLUSH, &quiet) == 0;
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (changed_) ::tcsetattr(fd_, TCSAFLUSH, &before_);
  }
  [[nodiscard]] bool works() const { return changed_; }

 private:
  int fd_;
  termios before_{};
  bool changed_ = false;
};

Result<SecretText> ask(const std::string& question) {
  const Fd terminal(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY));
  if (!terminal.valid())
    return Error{Errc::untrusted, question +
                                      " is needed, and there is no terminal to ask; give it with "
                                      "--passphrase-fd"};
  const Quiet quiet(terminal.get());
  if (!quiet.works()) return Error{Errc::failed, "the terminal does not stop to echo"};
  CUBE_CHECK(write_all(terminal, question + ": "));
  auto answer = read_line(terminal.get());
  CUBE_CHECK(write_all(terminal, "\n"));
  if (!answer) return answer;
  return checked(std::move(answer).value());
}

std::string question_of(const std::string& key) {
  return "passphrase of key " + key;
}

}  // namespace

Result<SecretText> AskedPassphrases::first_line() {
  if (!from_fd_) {
    CUBE_TRY(auto line, read_line(fd_));
    CUBE_TRY(from_fd_, checked(std::move(line)));
  }
  return from_fd_->copy();
}

Result<SecretText> AskedPassphrases::asked_once(const std::string& question) {
  if (fd_ >= 0) return first_line();
  auto& known = asked_[question];
  if (known.text().empty()) {
    CUBE_TRY(known, ask(question));
  }
  return known.copy();
}

Result<SecretText> AskedPassphrases::of(const std::string& key) {
  return asked_once(question_of(key));
}

Result<SecretText> AskedPassphrases::pin_of(const std::string& token) {
  return asked_once("PIN of token " + token);
}

Result<SecretText> AskedPassphrases::for_new(const std::string& key) {
  if (fd_ >= 0) return first_line();
  CUBE_TRY(auto once, ask("passphrase for the new key " + key));
  CUBE_TRY(const auto again, ask("the same again"));
  if (once.text() != again.text())
    return Error{Errc::invalid, "passphrase: the two are different; nothing was made"};
  asked_[question_of(key)] = once.copy();
  return once;
}

}  // namespace cube::publish_cli
