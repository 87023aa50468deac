// OpenSSL's engine interface is deprecated, and its successor for PKCS#11 is not in Debian 12: all
// use of it is in this file (docs/decisions/0008-keys-in-tokens.md).
#define OPENSSL_SUPPRESS_DEPRECATED

#include "release/token_key.h"

#include <openssl/engine.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ui.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string_view>

namespace cube {
namespace {

struct Question {
  Passphrases* passphrases = nullptr;
  std::string token;
  bool asked = false;
  std::optional<Error> unanswered{};
};

Result<SecretText> pin_for(Question& question) {
  question.asked = true;
  if (question.passphrases != nullptr) return question.passphrases->pin_of(question.token);
  return Error{Errc::untrusted,
               "token " + question.token + ": it wants a PIN, and nobody can be asked"};
}

int answer(UI* ui, UI_STRING* prompt) {
  const auto type = UI_get_string_type(prompt);
  if (type != UIT_PROMPT && type != UIT_VERIFY) return 1;
  auto* question = static_cast<Question*>(UI_get0_user_data(ui));
  auto pin = pin_for(*question);
  if (!pin) {
    question->unanswered = std::move(pin).error();
    return 0;
  }
  const auto& text = pin->text();
  return UI_set_result_ex(ui, prompt, text.data(), static_cast<int>(text.size())) == 0 ? 1 : 0;
}

// What it loads runs with the publisher's rights.
Status check_module(const std::string& path) {
  struct stat st {};
  if (::stat(path.c_str(), &st) != 0 || !S_ISREG(st.st_mode))
    return Error{Errc::invalid, "PKCS#11 module " + path + ": there is no such file"};
  if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (st.st_uid != 0 && st.st_uid != ::geteuid()))
    return Error{Errc::invalid, "PKCS#11 module " + path +
                                    ": others may change it, so it is not loaded; use the one that "
                                    "its package installed"};
  return ok();
}

// The engine, initialised, for as long as a key of it lives: some modules crash when they are left
// to the end of the process. There can be one only.
class Engine {
 public:
  static Result<std::shared_ptr<Engine>> open(const std::string& module) {
    static std::weak_ptr<Engine> present;
    if (auto shared = present.lock()) {
      if (shared->module_ == module) return shared;
      return Error{Errc::invalid,
                   "PKCS#11 module \"" + module +
                       "\": another one is in use, and a run has one; leave module-path out to "
                       "reach all tokens through p11-kit"};
    }
    if (!module.empty()) CUBE_CHECK(check_module(module));
    auto made = std::make_shared<Engine>(module);
    if (!made->ready_)
      return Error{Errc::failed,
                   "PKCS#11: OpenSSL has no engine for it; install libengine-pkcs11-openssl"};
    present = made;
    return made;
  }

  explicit Engine(std::string module)
      : module_(std::move(module)),
        engine_(ENGINE_by_id("pkcs11"), &ENGINE_free),
        method_(UI_create_method("cube-release"), &UI_destroy_method) {
    if (!engine_ || !method_) return;
    UI_method_set_reader(method_.get(), &answer);
    // Without QUIET it writes to standard error besides what it returns.
    ready_ = ENGINE_ctrl_cmd_string(engine_.get(), "QUIET", nullptr, 0) == 1 &&
             (module_.empty() ||
              ENGINE_ctrl_cmd_string(engine_.get(), "MODULE_PATH", module_.c_str(), 0) == 1) &&
             ENGINE_init(engine_.get()) == 1;
    ERR_clear_error();
  }
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  ~Engine() {
    if (ready_) ENGINE_finish(engine_.get());
  }

  // nullptr: not found, or no access; question() and OpenSSL's errors say which.
  // Errors: those of Passphrases.
  Result<EVP_PKEY*> load(const TokenUri& uri, Passphrases* passphrases) {
    // OpenSSL never lets go of an engine: it keeps the PIN that it was given, and would try it
    // here.
    static std::string given_for;
    const bool other_pin = !given_for.empty() && given_for != uri.token;
    question_ = {passphrases, uri.token};
    given_for = uri.token;
    if (other_pin) CUBE_CHECK(exchange_pin());
    return ENGINE_load_private_key(engine_.get(), uri.path.c_str(), method_.get(), &question_);
  }
  [[nodiscard]] const Question& question() const { return question_; }

 private:
  Status exchange_pin() {
    CUBE_TRY(const auto pin, pin_for(question_));
    if (ENGINE_ctrl_cmd_string(engine_.get(), "PIN", pin.text().c_str(), 0) == 1) return ok();
    ERR_clear_error();
    return Error{Errc::failed, "token " + question_.token + ": OpenSSL's engine takes no PIN"};
  }

  std::string module_;
  std::unique_ptr<ENGINE, decltype(&ENGINE_free)> engine_;
  std::unique_ptr<UI_METHOD, decltype(&UI_destroy_method)> method_;
  bool ready_ = false;
  Question question_;  // the engine asks again when a key wants its PIN for each signature
};

// Of the token's own answers and of loading its module; the rest says only that there is no key.
bool is_kept(std::string_view library) {
  return library == "PKCS#11 module" || library == "libp11";
}

// What the token itself said, else "".
std::string said_by_token() {
  std::string said;
  while (const auto code = ERR_get_error()) {
    const char* library = ERR_lib_error_string(code);
    const char* reason = ERR_reason_error_string(code);
    if (library != nullptr && reason != nullptr && is_kept(library)) said = reason;
  }
  return said;
}

Error not_loaded(const TokenUri& uri, const std::string& where, const Question& question) {
  const std::string said = said_by_token();
  if (question.unanswered) return *question.unanswered;
  const std::string object = "key " + where + ": ";
  if (!said.empty())
    return {Errc::untrusted, object + "token " + uri.token + " cannot be used: " + said};
  if (!question.asked)
    return {Errc::untrusted, object + "token " + uri.token +
                                 " is not here, or several tokens fit; connect it, or see with "
                                 "p11tool --list-tokens what is"};
  return {Errc::untrusted, object + "token " + uri.token +
                               " is not here or has no private key that fits " + uri.path +
                               ", or holds keys of a kind that OpenSSL's engine cannot "
                               "list, such as ed25519"};
}

}  // namespace

Result<PrivateKey> token_key(const TokenUri& uri, const std::string& where,
                             Passphrases* passphrases) {
  CUBE_TRY(auto engine, Engine::open(uri.module));
  CUBE_TRY(EVP_PKEY* const loaded, engine->load(uri, passphrases));
  if (loaded == nullptr) return not_loaded(uri, where, engine->question());
  ERR_clear_error();
  std::shared_ptr<EVP_PKEY> key(loaded, [engine](EVP_PKEY* owned) { EVP_PKEY_free(owned); });
  auto made = PrivateKey::of(std::move(key));
  if (!made) return std::move(made).error().in("key " + where);
  return made;
}

}  // namespace cube
