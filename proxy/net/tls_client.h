#pragma once
// What connections to the servers of one upstream need to be TLS: whom we
// believe, what we show, and by which name. Immutable once loaded; shared by
// all workers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_files.h"
#include "proxy/net/tls_layer.h"
#include "proxy/net/tls_server.h"

namespace whichhop {

class TlsClient {
 public:
  struct Options {
    bool verify = true;
    std::string ca = "system";        // a PEM file, or the system's
    std::string crl;                  // a PEM file; or empty
    std::string server_name;          // for SNI and verification; or empty
    TlsCertificateFiles certificate;  // ours; or empty
    uint16_t min_version = TLS1_2_VERSION;
  };

  // Null with at least one error. Blocks: files are read.
  static std::shared_ptr<const TlsClient> Load(
      const Options& options, std::vector<TlsLoadError>* errors);

  const Options& options() const { return options_; }
  bool verifies() const { return options_.verify; }

  // For a connection to a server that is configured as `host`: a name, or the
  // text of an address. server_name counts before it. An address is verified
  // against the certificate's addresses and never sent as SNI (RFC 6066,
  // section 3). Null: no memory, or nothing to verify the server's name by. It
  // may outlive this.
  SslPtr New(std::string_view host) const;

 private:
  TlsClient(Options options, SslCtxPtr context)
      : options_(std::move(options)), context_(std::move(context)) {}

  const Options options_;
  const SslCtxPtr context_;
};

// The last sessions with one server, for resumption: each is used once where
// the protocol is TLS 1.3 (RFC 8446, appendix C.4). Bounded: of more than a few
// the oldest go. Of one worker; outlives the connections that joined.
class TlsClientSessions {
 public:
  static constexpr size_t kMost = 4;

  // Has connections of `context` bring their sessions.
  static void Attach(SSL_CTX* context);

  TlsClientSessions() = default;
  TlsClientSessions(const TlsClientSessions&) = delete;
  TlsClientSessions& operator=(const TlsClientSessions&) = delete;

  // `connection` offers a session, if there is one; what it is given comes
  // here. Sessions of another TlsClient are forgotten: it believed others.
  // Before the first Handshake.
  void Join(TlsLayer& connection);
  size_t size() const { return sessions_.size(); }

 private:
  using Session = std::unique_ptr<SSL_SESSION, TlsFree<SSL_SESSION_free>>;

  static int OnSession(SSL* ssl, SSL_SESSION* session);
  Session Take();

  SslCtxPtr context_;              // which they are of
  std::vector<Session> sessions_;  // the newest last
};

}  // namespace whichhop
