#pragma once
// What OpenSSL found wrong by itself, in few words.

#include <cstdint>

namespace whichhop {

enum class TlsProblem : uint8_t {
  kNone,     // nothing: an alert, a certificate, TCP or a timer ended it
  kNotTls,   // the first bytes are no record of TLS
  kVersion,  // no version that both sides allow
  kCipher,   // no cipher, group or signature that both sides allow
  kPolicy,   // weaker than we allow: a key, a digest, a renegotiation
  kBroken,   // a record whose MAC is bad, or that cannot be decoded
  kEof,      // the connection ended, TLS did not: no close_notify
  kOther,
};

// Of OpenSSL's reason code (ERR_GET_REASON).
TlsProblem ProblemOf(int reason);

}  // namespace whichhop
