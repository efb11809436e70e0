#pragma once
// Whose certificates a listener asks its clients for, and which one a client
// showed: found in the handshake, and kept in the session's ticket for
// connections that resume it. No certificate ends a handshake. Immutable;
// shared by contexts.

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "proxy/net/tls_files.h"

namespace whichhop {

class TlsClientAuthorities {
 public:
  // Clients must show a certificate of one of `clients`, if there are any; they
  // may show one of `operators`.
  TlsClientAuthorities(std::vector<X509Ptr> clients,
                       std::vector<X509Ptr> operators);

  // Has connections of `context` ask for certificates, if there is anybody to
  // ask for. False: no memory.
  static bool Attach(std::shared_ptr<const TlsClientAuthorities> authorities,
                     SSL_CTX* context);

  // Of a connection whose handshake is complete.
  static bool ShowedClient(const SSL* ssl);
  static bool ShowedOperator(const SSL* ssl);

  // What these are, for the identity of sessions: those of others don't count.
  std::string Identity() const;

 private:
  static int OnCertificate(X509_STORE_CTX* presented, void* authorities);
  static int OnMakeTicket(SSL* ssl, void*);
  static SSL_TICKET_RETURN OnTicket(SSL* ssl, SSL_SESSION* session,
                                    const unsigned char* name, size_t size,
                                    SSL_TICKET_STATUS status,
                                    void* authorities);
  bool Asks() const { return !clients_.empty() || !operators_.empty(); }

  const std::vector<X509Ptr> clients_;
  const std::vector<X509Ptr> operators_;
  const X509StorePtr client_store_;    // null where there are none
  const X509StorePtr operator_store_;  // so too
};

}  // namespace whichhop
