#include "tests/support/tls_server.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstdio>
#include <stdexcept>

namespace cube {
namespace {

void must(bool good, const char* what) {
  if (!good) throw std::runtime_error(what);
}

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

void add_extension(X509* certificate, int nid, const std::string& value) {
  const std::unique_ptr<X509_EXTENSION, decltype(&X509_EXTENSION_free)> extension(
      X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str()), &X509_EXTENSION_free);
  must(extension && X509_add_ext(certificate, extension.get(), -1) == 1, "certificate extension");
}

Certificate make_certificate(EVP_PKEY* key, const std::string& host, TlsServer::Validity validity) {
  Certificate certificate(X509_new(), &X509_free);
  X509_set_version(certificate.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), validity.from);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), validity.until);
  X509_set_pubkey(certificate.get(), key);
  std::array<unsigned char, 5> name{'c', 'u', 'b', 'e', '\0'};
  auto* subject = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, name.data(), 4, -1, 0);
  X509_set_issuer_name(certificate.get(), subject);
  add_extension(certificate.get(), NID_subject_alt_name, host);
  add_extension(certificate.get(), NID_basic_constraints, "critical,CA:TRUE");
  must(X509_sign(certificate.get(), key, EVP_sha256()) > 0, "certificate signature");
  return certificate;
}

}  // namespace

struct TlsServer::Tls {
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context{SSL_CTX_new(TLS_server_method()),
                                                            &SSL_CTX_free};
};

TlsServer::TlsServer(const std::string& host, const std::string& certificate, std::string answer,
                     Validity validity)
    : tls_(std::make_unique<Tls>()),
      answer_("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: " +
              std::to_string(answer.size()) + "\r\n\r\n" + answer),
      port_(listen_on_loopback()) {
  const Key key(EVP_EC_gen("P-256"), &EVP_PKEY_free);
  const auto made = make_certificate(key.get(), host, validity);
  must(SSL_CTX_use_certificate(tls_->context.get(), made.get()) == 1 &&
           SSL_CTX_use_PrivateKey(tls_->context.get(), key.get()) == 1,
       "certificate of the server");
  const std::unique_ptr<std::FILE, decltype(&std::fclose)> file(
      std::fopen(certificate.c_str(), "w"), &std::fclose);
  must(file && PEM_write_X509(file.get(), made.get()) == 1, "certificate file");
  thread_ = std::thread([this] { serve(); });
}

TlsServer::~TlsServer() {
  stop_ = true;
  thread_.join();
}

void TlsServer::serve() {
  while (!stop_) {
    pollfd waiting{port_.listener.get(), POLLIN, 0};
    if (::poll(&waiting, 1, 20) != 1) continue;
    const Fd peer(::accept4(port_.listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer.valid()) continue;
    const timeval patience{2, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::unique_ptr<SSL, decltype(&SSL_free)> session(SSL_new(tls_->context.get()),
                                                            &SSL_free);
    SSL_set_fd(session.get(), peer.get());
    std::array<char, 4096> request{};
    if (SSL_accept(session.get()) != 1 ||
        SSL_read(session.get(), request.data(), static_cast<int>(request.size())) <= 0)
      continue;
    if (SSL_write(session.get(), answer_.data(), static_cast<int>(answer_.size())) > 0) ++answers_;
    SSL_shutdown(session.get());
    // What the client still sends is read, so that no reset overtakes the answer.
    ::shutdown(peer.get(), SHUT_WR);
    while (::recv(peer.get(), request.data(), request.size(), 0) > 0) continue;
  }
}

}  // namespace cube
