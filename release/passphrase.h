// Where the passphrases of private keys and the PINs of tokens come from: a port, so that the
// library neither asks a terminal nor knows of one. Release programs only.
#pragma once

#include <string>

#include "base/result.h"

namespace cube {

// A passphrase, or the text of a private key; wiped when it goes.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string text) : text_(std::move(text)) {}
  SecretText(const SecretText&) = delete;
  SecretText& operator=(const SecretText&) = delete;
  SecretText(SecretText&& other) noexcept : text_(std::move(other.text_)) { other.wipe(); }
  SecretText& operator=(SecretText&& other) noexcept;
  ~SecretText() { wipe(); }

  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] SecretText copy() const { return SecretText(text_); }

 private:
  // Also what a moved-from short string still has in itself.
  void wipe();
  std::string text_;
};

class Passphrases {
 public:
  virtual ~Passphrases() = default;
  // Of a key that has one. `key` is its file, for the question.
  // Errors: untrusted (nobody can be asked), invalid (empty, or longer than 1024 bytes), failed.
  virtual Result<SecretText> of(const std::string& key) = 0;
  // Of a PKCS#11 token, named by its label. Errors: as of().
  virtual Result<SecretText> pin_of(const std::string& token) = 0;
  // For a key that is being made. Errors: as of().
  virtual Result<SecretText> for_new(const std::string& key) = 0;
};

}  // namespace cube
