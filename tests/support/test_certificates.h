// A certificate authority of a test, and what it signs. Files: ca.pem, NAME.pem and NAME.key in a
// folder that goes with the object.
#pragma once

#include <string>

#include "tests/support/scratch_dir.h"

namespace cube {

class TestCertificates {
 public:
  TestCertificates();
  // `subject`: "/CN=name", or "/O=cube" for one without a common name. For 127.0.0.1.
  void issue(const std::string& name, const std::string& subject) const;
  // A key pair for tokens: NAME.key and NAME.pub.
  void make_key(const std::string& name) const;
  [[nodiscard]] std::string file(const std::string& name) const {
    return folder_.path() + "/" + name;
  }

 private:
  ScratchDir folder_;
};

}  // namespace cube
