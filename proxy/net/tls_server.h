#pragma once
// What a listener needs to accept TLS: its certificates, chosen by SNI, whom it
// asks for one, and the keys of its session tickets. Immutable once loaded;
// shared by all workers; what a connection needs of it stays with the
// connection, so that a reload never touches one that stands.
//
// A client's certificate never ends a handshake: whoever shows none, or one
// that is no good, gets an answer in HTTP that says so. What was found is kept
// in the session's ticket, for connections that resume it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/net/tls_files.h"
#include "proxy/net/tls_layer.h"
#include "proxy/net/tls_ticket_keys.h"

namespace whichhop {

// A file that could not be used. `key` is that of the configuration ("cert",
// "key", "ocsp", "ca", ...), `index` which of several certificates.
struct TlsLoadError {
  const char* key;
  size_t index = 0;
  std::string message;  // with the path, and OpenSSL's reason in words
};

// PEM files: a leaf with the chain behind it, and its private key.
struct TlsCertificateFiles {
  std::string cert;
  std::string key;
  std::string ocsp;  // a DER response to staple (RFC 6066, section 8); or empty
};

class TlsServer {
 public:
  struct Options {
    std::vector<TlsCertificateFiles> certificates;  // the first is the default
    uint16_t min_version = TLS1_2_VERSION;
    std::string client_ca;    // clients must show a certificate of it; or empty
    std::string operator_ca;  // clients may show one of it; or empty
    bool strict_sni = true;  // hosts that the certificate is not for: a 421
  };

  // Null with at least one error. Blocks: files are read.
  static std::shared_ptr<const TlsServer> Load(
      const Options& options, std::shared_ptr<TlsTicketKeys> keys,
      std::vector<TlsLoadError>* errors);

  const Options& options() const { return options_; }

  // For a connection that was accepted. It may outlive this. Null: no memory.
  SslPtr New() const;

  // The rest: of a connection whose handshake is complete.

  // Whether the certificate that was shown is for `host` (a name or an IP, as
  // in Host without its port; case does not matter). A resumed session shows
  // none: then, whether one is that it may have seen. No allocation.
  static bool Covers(const TlsLayer& connection, std::string_view host);
  // Whether a certificate was there for the name that the client asked for; it
  // was if it asked for none.
  static bool NameServed(const TlsLayer& connection);
  // The client's certificate is one of client_ca's, or client_ca is not set.
  bool ClientAdmitted(const TlsLayer& connection) const;
  // It is one of operator_ca's.
  bool IsOperator(const TlsLayer& connection) const;

 private:
  TlsServer(Options options, SslCtxPtr context)
      : options_(std::move(options)), context_(std::move(context)) {}

  const Options options_;
  const SslCtxPtr context_;  // of the default; it owns the others
};

}  // namespace whichhop
