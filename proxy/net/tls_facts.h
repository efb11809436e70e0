#pragma once
// What TLS knew of one connection: what was agreed on and, if it failed, how.
// Values, to be copied; numbers are those of the protocol (RFC 8446) and of
// OpenSSL.

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "proxy/base/clock.h"
#include "proxy/net/tls_certificate.h"
#include "proxy/net/tls_problem.h"

namespace whichhop {

// The last alert of one direction (RFC 8446, section 6).
struct TlsAlert {
  bool seen = false;
  bool fatal = false;
  uint8_t number = 0;
  bool after_handshake = false;
};

// What both sides agreed on.
struct TlsAgreement {
  uint16_t version = 0;     // 0x0304 is TLS 1.3; 0: nothing yet
  const char* cipher = "";  // by its IANA name; static
  std::string_view alpn;    // the protocol that it chose, if any; static
  bool resumed = false;
};

struct TlsFacts {
  TlsAgreement agreed;
  bool complete = false;  // the handshake
  Duration took{};        // the handshake, as far as it came

  std::string sni;              // sent to the server, or by the client
  uint16_t client_version = 0;  // the highest that a client offered us
  std::string client_ciphers;   // so too, where nothing was agreed on
  int64_t own_not_after = 0;    // of our certificate; so too

  // The peer's certificate.
  bool certificate_requested = false;  // of us, or by us of the client
  bool certificate_sent = false;       // by whoever was asked
  int verify_code = 0;                 // X509_V_ERR_*; 0: good, or not judged
  int verify_depth = 0;                // 0: the leaf
  uint32_t chain = 0;  // certificates that came; counted where one is bad
  // That which verification stopped at; null where it is good.
  std::shared_ptr<const TlsCertificate> bad_certificate;
  int64_t crl_next_update = 0;  // of the list that was too old

  // How it failed.
  TlsAlert received;
  TlsAlert sent;
  TlsProblem problem = TlsProblem::kNone;
  const char* reason = "";      // of the problem, in OpenSSL's words; static
  int error = 0;                // errno of the socket; 0: none
  uint64_t bytes_received = 0;  // raw ones, in the handshake
  uint64_t bytes_sent = 0;      // so too
  std::array<char, 16> first_bytes{};  // raw ones
  uint8_t first_bytes_size = 0;
};

}  // namespace whichhop
