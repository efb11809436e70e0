#include "bench/load_tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace load {

namespace {

// One for all threads; it lives as long as the process.
SSL_CTX* Context() {
  static SSL_CTX* const context = [] {
    SSL_CTX* made = SSL_CTX_new(TLS_client_method());
    SSL_CTX_set_verify(made, SSL_VERIFY_NONE, nullptr);
    constexpr unsigned char kHttp11[] = "\x08http/1.1";
    SSL_CTX_set_alpn_protos(made, kHttp11, sizeof(kHttp11) - 1);
    return made;
  }();
  return context;
}

// RFC 6066, section 3: the name is none if it is an address.
bool IsAddress(const std::string& name) {
  in6_addr address;
  return inet_pton(AF_INET, name.c_str(), &address) == 1 ||
         inet_pton(AF_INET6, name.c_str(), &address) == 1;
}

int Bounded(size_t bytes) {
  constexpr size_t kMost = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(bytes, kMost));
}

// What OpenSSL gave, as the system's calls say it. A FIN without close_notify
// is an end too: the framing tells what is missing.
ssize_t Outcome(SSL* ssl, int got) {
  if (got > 0) return got;
  const int error = SSL_get_error(ssl, got);
  const bool ended =
      error == SSL_ERROR_ZERO_RETURN ||
      (error == SSL_ERROR_SSL &&
       ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING);
  ERR_clear_error();
  if (ended) return 0;
  if (error != SSL_ERROR_SYSCALL) errno = EPROTO;
  return -1;
}

}  // namespace

std::unique_ptr<Tls> Tls::Connect(int fd, const std::string& name) {
  SSL* ssl = SSL_new(Context());
  std::unique_ptr<Tls> tls(new Tls(ssl));
  SSL_set_fd(ssl, fd);
  if (!IsAddress(name)) SSL_set_tlsext_host_name(ssl, name.c_str());
  if (SSL_connect(ssl) == 1) return tls;
  ERR_clear_error();
  return nullptr;
}

Tls::~Tls() { SSL_free(ssl_); }

ssize_t Tls::Send(const char* data, size_t bytes) {
  return Outcome(ssl_, SSL_write(ssl_, data, Bounded(bytes)));
}

ssize_t Tls::Receive(char* data, size_t bytes) {
  return Outcome(ssl_, SSL_read(ssl_, data, Bounded(bytes)));
}

bool Tls::pending() const { return SSL_has_pending(ssl_) == 1; }

}  // namespace load
