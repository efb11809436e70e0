#pragma once
// What TLS showed of a connection: plain values beside those of observation.h,
// under the same rules: a string_view stays valid until Diagnose() returns, and
// what was not seen is absent. Numbers are as they came: alerts and versions of
// the IANA registries, the results of verification those of OpenSSL's
// X509_V_ERR_*. Dates are seconds since the epoch (before 1970: 0). Whoever
// fills in a text that the peer wrote cuts it: about 100 bytes say it all.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace whichhop::diagnostics {

enum class AttemptEnd : uint8_t;  // observation.h

// What the TLS library found wrong by itself.
enum class TlsFailure : uint8_t {
  kNone,     // nothing: an alert, a certificate, TCP or a timer ended it
  kNotTls,   // the first bytes are no record of TLS
  kVersion,  // no version that both sides allow
  kCipher,   // no cipher, group or signature that both sides allow
  kPolicy,   // weaker than we allow: a key, a digest, a renegotiation
  kBroken,   // a record whose MAC is bad, or that cannot be decoded
  kEof,      // the connection ended, TLS did not: no close_notify
  kOther,    // `reason` says
};

// Whether the peer is who it should be.
enum class Verification : uint8_t {
  kNotReached,  // no certificate was judged
  kOff,         // not asked for (`verify: false`): nobody knows who it is
  kPassed,      // its chain and its name hold
  kFailed,      // `verify_code` says why; the handshake was broken off for it
};

// The certificate that verification stopped at (at `verify_depth`), else the
// peer's own.
struct CertificateFacts {
  uint32_t chain = 0;        // certificates that the peer sent; 0: none came
  std::string_view subject;  // "CN=app.internal"
  std::string_view issuer;
  bool self_issued = false;  // its issuer's name is its own
  bool issuer_url = false;   // it says where its issuer's is (AIA caIssuers)
  std::optional<uint64_t> not_before;
  std::optional<uint64_t> not_after;
  std::string_view names;         // of the peer's own: "app.internal, 10.0.0.5"
  std::optional<bool> new_key;    // never seen at this address; absent where no
                                  // key was seen there before
  std::string_view usual_issuer;  // of the certificates seen there before
};

// Whether our own clock is right, as the other origins show it.
struct ClockFacts {
  uint32_t origins = 0;  // unrelated ones that verification was asked of in the
                         // last seconds, this one among them
  uint32_t failed = 0;   // of them by a date (codes 9 to 12)
  uint32_t dates = 0;    // origins whose Date field is known
  std::optional<std::chrono::seconds> ahead;  // the median of those Dates
                                              // before our clock; negative:
                                              // behind it
};

// The connection to an upstream.
struct TlsFacts {
  bool complete = false;  // the handshake was; what failed came after it
  TlsFailure failure = TlsFailure::kNone;
  std::string_view reason;  // the library's words: "dh key too small"
  std::optional<uint8_t> alert_received;  // fatal, or a close_notify (0) inside
                                          // the handshake
  std::optional<uint8_t> alert_sent;
  uint16_t version = 0;      // agreed on: 0x0304 is TLS 1.3; 0: none yet
  uint16_t min_version = 0;  // that we offered; 0: not known
  uint16_t max_version = 0;
  bool certificate_requested = false;  // of us
  bool certificate_sent = false;       // by us
  std::string_view sni;                // that we sent; empty: none
  std::string_view expected;      // name or address that has to be in `names`
  std::string_view alpn_offered;  // "h2 http/1.1"
  uint64_t received = 0;          // bytes of its side of the handshake, on the
                                  // wire

  Verification verification = Verification::kNotReached;
  uint32_t verify_code = 0;   // 0: nothing wrong was found
  uint32_t verify_depth = 0;  // 0: the peer's own certificate
  CertificateFacts certificate;
  std::optional<uint64_t> crl_next_update;  // of the list that was asked
  std::optional<uint64_t> now;              // by our own clock

  // Neighbours, as in SiblingFacts.
  std::optional<std::chrono::seconds> policy_agreed;  // another upstream agreed
                                                      // to the same policy
  std::optional<std::chrono::seconds> other_name_agreed;  // this address did,
                                                          // asked for another
                                                          // name
  std::optional<std::chrono::seconds> agreed_before;  // this server did, and
                                                      // what we ask of it is
                                                      // the same since
  ClockFacts clock;
  uint32_t untrusted = 0;  // of `clock.origins`, because nobody that we trust
                           // has signed them (codes 2, 18 to 21)
};

// The connection of a client.
struct ClientTlsFacts {
  bool complete = false;
  TlsFailure failure = TlsFailure::kNone;
  std::string_view reason;
  std::optional<AttemptEnd> end;  // kTls: TLS broke it off, or an alert did
  std::optional<uint8_t> alert_received;
  std::optional<uint8_t> alert_sent;
  uint16_t max_version = 0;  // that the client offered; 0: not known
  uint16_t min_version = 0;  // that we allow; 0: not known
  std::string_view ciphers;  // offered, as far as they fit
  std::string_view sni;      // empty: none
  std::string_view host;     // that its request names
  uint32_t verify_code = 0;  // of the client's certificate
  uint32_t verify_depth = 0;
  CertificateFacts certificate;  // that the client showed; chain 0: none
  std::string_view first_bytes;  // where they are no TLS
  uint64_t received = 0;
  std::optional<uint64_t> own_not_after;  // of the certificate that we showed
  std::optional<uint64_t> now;            // by our own clock
};

}  // namespace whichhop::diagnostics
