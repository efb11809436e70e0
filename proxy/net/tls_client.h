#pragma once
// What connections to the servers of one upstream need to be TLS: whom we
// believe, what we show, and by which name. Immutable once loaded; shared by
// all workers.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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

  static std::shared_ptr<const TlsClient> Load(
      const Options& options, std::vector<TlsLoadError>* errors);

  const Options& options() const { return options_; }
  bool verifies() const { return options_.verify; }

  // For a connection to a server that is configured as `host`: a name, or the
  // text of an address. server_name counts before it. An address is verified
  // against the certificate's addresses and never sent as SNI (RFC 6066,
  // section 3). Null: no memory.
  SslPtr New(std::string_view host) const;

 private:
  Options options_;
};

// The last sessions with one server, for resumption: each is used once (RFC
// 8446, appendix C.4). Bounded. Of one worker.
class TlsClientSessions {
 public:
  // `connection` offers a session, if there is one; what it is given comes
  // here.
  void Join(TlsLayer& connection);
};

}  // namespace whichhop
