// Passphrases from a file descriptor (its first line, for every key), else asked on the terminal,
// each key once in a run.
#pragma once

#include <map>
#include <optional>

#include "release/passphrase.h"

namespace cube::publish_cli {

class AskedPassphrases final : public Passphrases {
 public:
  // `fd`: -1 asks the terminal.
  explicit AskedPassphrases(int fd) : fd_(fd) {}
  Result<SecretText> of(const std::string& key) override;
  Result<SecretText> pin_of(const std::string& token) override;
  Result<SecretText> for_new(const std::string& key) override;

 private:
  Result<SecretText> first_line();
  Result<SecretText> asked_once(const std::string& question);
  int fd_;
  std::optional<SecretText> from_fd_;
  std::map<std::string, SecretText> asked_;  // by question
};

}  // namespace cube::publish_cli
