#include "tests/support/test_certificates.h"

#include <stdexcept>
#include <vector>

#include "base/spawn.h"

namespace cube {
namespace {

void openssl(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "/usr/bin/openssl");
  const auto outcome = spawn(arguments);
  if (!outcome || outcome->exit_code != 0)
    throw std::runtime_error("openssl: " + (outcome ? outcome->output : outcome.error().what));
}

const std::vector<std::string> request = {
    "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"};

}  // namespace

TestCertificates::TestCertificates() {
  auto arguments = request;
  for (const auto& more :
       {std::string("-subj"), std::string("/CN=a test's authority"), std::string("-keyout"),
        file("ca.key"), std::string("-out"), file("ca.pem")})
    arguments.push_back(more);
  openssl(arguments);
}

void TestCertificates::issue(const std::string& name, const std::string& subject) const {
  auto arguments = request;
  for (const auto& more :
       {std::string("-subj"), subject, std::string("-CA"), file("ca.pem"), std::string("-CAkey"),
        file("ca.key"), std::string("-addext"), std::string("subjectAltName=IP:127.0.0.1"),
        std::string("-addext"), std::string("basicConstraints=critical,CA:FALSE"),
        std::string("-keyout"), file(name + ".key"), std::string("-out"), file(name + ".pem")})
    arguments.push_back(more);
  openssl(arguments);
}

void TestCertificates::make_key(const std::string& name) const {
  openssl({"genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out",
           file(name + ".key")});
  openssl({"pkey", "-in", file(name + ".key"), "-pubout", "-out", file(name + ".pub")});
}

}  // namespace cube
