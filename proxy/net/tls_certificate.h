#pragma once
// What a certificate says of itself, as plain values: for whoever has to say
// why it was not believed. Texts come from the peer: cut, and with what is not
// printable ASCII escaped.

#include <openssl/x509.h>

#include <cstdint>
#include <string>

namespace whichhop {

struct TlsCertificate {
  std::string subject;  // "CN=app.internal,O=Example" (RFC 2253)
  std::string issuer;
  std::string names;         // of subjectAltName: "app.internal, 10.0.0.5"
  bool self_issued = false;  // its issuer's name is its own
  bool issuer_url = false;   // AIA caIssuers: where its issuer's is
  int64_t not_before = 0;    // seconds since the epoch
  int64_t not_after = 0;
  std::string leaf_key;  // KeyHash of the peer's own; empty: not known
};

TlsCertificate Describe(const X509& certificate);

// The SHA-256 of its key (SubjectPublicKeyInfo): the same over renewals.
std::string KeyHash(const X509& certificate);

// Seconds since the epoch; 0 where it is no time.
int64_t SecondsOf(const ASN1_TIME* time);

}  // namespace whichhop
