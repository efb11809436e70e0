#include "diagnostics/classify_tls.h"

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "diagnostics/scene.h"

namespace whichhop::diagnostics {
namespace {

constexpr uint16_t kTls13 = 0x0304;
// Clocks that differ less would not be noticed by a certificate.
constexpr Seconds kSkew{300};

// Alerts (IANA's "TLS Alerts").
enum Alert : uint8_t {
  kCloseNotify = 0,
  kHandshakeFailure = 40,
  kBadCertificate = 42,
  kAccessDenied = 49,
  kProtocolVersion = 70,
  kUnrecognizedName = 112,
  kCertificateRequired = 116,
  kNoApplicationProtocol = 120,
};

// Alerts that speak of the certificate that we showed, or did not.
bool OfOurCertificate(uint8_t alert) {
  return (alert >= kBadCertificate && alert <= kAccessDenied) ||
         alert == kCertificateRequired;
}

// Nobody who could not agree on a cipher under one name agrees under another.
bool CiphersAreShared(const TlsFacts& tls) {
  return Fresh(tls.other_name_agreed);
}

// An alert of the far end inside the handshake.
Fault ClassifyAlert(const TlsFacts& tls) {
  const uint8_t alert = *tls.alert_received;
  const bool asked = tls.certificate_requested;
  if (alert == kCertificateRequired ||
      (asked && (alert == kHandshakeFailure || OfOurCertificate(alert)))) {
    // Before TLS 1.3 it is another alert.
    const bool unsaid = tls.version == 0 && alert == kCertificateRequired;
    return tls.version >= kTls13 || unsaid ? Fault::kTlsOriginClientCert13
                                           : Fault::kTlsOriginClientCert12;
  }
  switch (alert) {
    case kHandshakeFailure:
      return CiphersAreShared(tls) ? Fault::kTlsNoCertServer
                                   : Fault::kTlsCipher;
    case kProtocolVersion:
      return Fault::kTlsVersion;
    case kUnrecognizedName:
      return Fault::kTlsSniUnrecognized;
    case kNoApplicationProtocol:
      return Fault::kTlsAlpn;
    default:  // a close_notify too: it is no place to stop
      return Fault::kTlsAlertFatal;
  }
}

// A public issuer says in what it signs where its own certificate is to be had;
// a private root, which signs directly and is never sent, does not.
bool IntermediateIsMissing(const CertificateFacts& certificate) {
  return certificate.chain == 1 && !certificate.self_issued &&
         certificate.issuer_url;
}

struct Judged {
  uint32_t code;  // X509_V_ERR_*
  Fault fault;
};

constexpr Judged kJudged[] = {
    {2, Fault::kTlsvUnknownCa},      // UNABLE_TO_GET_ISSUER_CERT
    {3, Fault::kTlsvCrlUnusable},    // UNABLE_TO_GET_CRL
    {4, Fault::kTlsvSignature},      // UNABLE_TO_DECRYPT_CERT_SIGNATURE
    {5, Fault::kTlsvCrlUnusable},    // UNABLE_TO_DECRYPT_CRL_SIGNATURE
    {6, Fault::kTlsvSignature},      // UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
    {7, Fault::kTlsvSignature},      // CERT_SIGNATURE_FAILURE
    {8, Fault::kTlsvCrlUnusable},    // CRL_SIGNATURE_FAILURE
    {9, Fault::kTlsvNotYetValid},    // CERT_NOT_YET_VALID
    {10, Fault::kTlsvExpired},       // CERT_HAS_EXPIRED
    {11, Fault::kTlsvCrlUnusable},   // CRL_NOT_YET_VALID
    {12, Fault::kTlsvCrlUnusable},   // CRL_HAS_EXPIRED
    {15, Fault::kTlsvCrlUnusable},   // ERROR_IN_CRL_LAST_UPDATE_FIELD
    {16, Fault::kTlsvCrlUnusable},   // ERROR_IN_CRL_NEXT_UPDATE_FIELD
    {17, Fault::kSelfInternal},      // OUT_OF_MEM
    {18, Fault::kTlsvSelfSigned},    // DEPTH_ZERO_SELF_SIGNED_CERT
    {19, Fault::kTlsvUnknownCa},     // SELF_SIGNED_CERT_IN_CHAIN
    {20, Fault::kTlsvUnknownCa},     // UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    {21, Fault::kTlsvUnknownCa},     // UNABLE_TO_VERIFY_LEAF_SIGNATURE
    {23, Fault::kTlsvRevoked},       // CERT_REVOKED
    {27, Fault::kTlsvUnknownCa},     // CERT_UNTRUSTED: the store says so
    {28, Fault::kTlsvUnknownCa},     // CERT_REJECTED: likewise
    {33, Fault::kTlsvCrlUnusable},   // UNABLE_TO_GET_CRL_ISSUER
    {35, Fault::kTlsvCrlUnusable},   // KEYUSAGE_NO_CRL_SIGN
    {36, Fault::kTlsvCrlUnusable},   // UNHANDLED_CRITICAL_CRL_EXTENSION
    {44, Fault::kTlsvCrlUnusable},   // DIFFERENT_CRL_SCOPE
    {54, Fault::kTlsvCrlUnusable},   // CRL_PATH_VALIDATION_ERROR
    {62, Fault::kTlsvHostMismatch},  // HOSTNAME_MISMATCH
    {63, Fault::kTlsvHostMismatch},  // EMAIL_MISMATCH
    {64, Fault::kTlsvHostMismatch},  // IP_ADDRESS_MISMATCH
    {66, Fault::kTlsvWeak},          // EE_KEY_TOO_SMALL
    {67, Fault::kTlsvWeak},          // CA_KEY_TOO_SMALL
    {68, Fault::kTlsvWeak},          // CA_MD_TOO_WEAK
    {69, Fault::kSelfInternal},      // INVALID_CALL
    {70, Fault::kSelfInternal},      // STORE_LOOKUP
    {73, Fault::kTlsvRevoked},       // OCSP_VERIFY_NEEDED
    {74, Fault::kTlsvRevoked},       // OCSP_VERIFY_FAILED
    {75, Fault::kTlsvRevoked},       // OCSP_CERT_UNKNOWN
};

Fault ClassifyCertificate(const TlsFacts& tls) {
  if (JudgeClock(tls) == OwnClock::kWrong) return Fault::kSelfClockSkew;
  const uint32_t code = tls.verify_code;
  if ((code == 20 || code == 21) && IntermediateIsMissing(tls.certificate)) {
    return Fault::kTlsvMissingIntermediate;
  }
  const auto* const found = std::ranges::find(kJudged, code, &Judged::code);
  if (found != std::end(kJudged)) return found->fault;
  // PATH_LENGTH_EXCEEDED, INVALID_PURPOSE, INVALID_CA, and others that say how
  // a certificate is made.
  return Fault::kTlsvPurpose;
}

bool WayLost(const AttemptFacts& a) {
  return a.error == ETIMEDOUT || a.error == EHOSTUNREACH ||
         a.error == ENETUNREACH;
}

// TCP or a timer ended the handshake.
Fault ClassifyEnd(const AttemptFacts& a) {
  switch (a.end) {
    case AttemptEnd::kFin:
    case AttemptEnd::kMalformed:
    case AttemptEnd::kDns:
      return Fault::kTlsEof;
    case AttemptEnd::kReset:
      return Fault::kTlsRst;
    case AttemptEnd::kErrno:
      return WayLost(a) ? Fault::kTlsTimeout : Fault::kTlsRst;
    case AttemptEnd::kTimeout:
    case AttemptEnd::kDeadline:
      return Fault::kTlsTimeout;
    case AttemptEnd::kTls:
      return Fault::kTlsBroken;
  }
  return Fault::kTlsTimeout;
}

}  // namespace

const TlsFacts& TlsOf(const AttemptFacts& attempt) {
  static constexpr TlsFacts kNone;
  return attempt.tls.has_value() ? *attempt.tls : kNone;
}

Fault ClassifyHandshake(const AttemptFacts& attempt) {
  const TlsFacts& tls = TlsOf(attempt);
  if (tls.verification == Verification::kFailed) {
    return ClassifyCertificate(tls);
  }
  if (tls.failure == TlsFailure::kNotTls) return Fault::kTlsPlainHttpServer;
  if (tls.alert_received.has_value()) return ClassifyAlert(tls);
  switch (tls.failure) {
    case TlsFailure::kVersion:
      return Fault::kTlsVersionLocal;
    case TlsFailure::kCipher:
      return Fault::kTlsCipherLocal;
    case TlsFailure::kPolicy:
      return Fault::kTlsLocalPolicy;
    case TlsFailure::kBroken:
    case TlsFailure::kOther:
      return Fault::kTlsBroken;
    case TlsFailure::kEof:
      return attempt.end == AttemptEnd::kTls ? Fault::kTlsEof
                                             : ClassifyEnd(attempt);
    case TlsFailure::kNone:
    case TlsFailure::kNotTls:
      return ClassifyEnd(attempt);
  }
  return ClassifyEnd(attempt);
}

bool BrokenByTls(const AttemptFacts& attempt) {
  if (!attempt.tls.has_value()) return false;
  const TlsFacts& tls = *attempt.tls;
  if (tls.alert_received.value_or(kCloseNotify) != kCloseNotify) return true;
  return attempt.end == AttemptEnd::kTls && tls.failure != TlsFailure::kEof;
}

// The certificate that we showed is judged after the handshake of TLS 1.3.
Fault ClassifyBrokenTls(const AttemptFacts& attempt) {
  const TlsFacts& tls = *attempt.tls;
  const uint8_t alert = tls.alert_received.value_or(kCloseNotify);
  if (attempt.received > 0 || attempt.phase == AttemptPhase::kBody) {
    return alert == kCloseNotify ? Fault::kBodyTlsError : Fault::kBodyTlsAlert;
  }
  if (OfOurCertificate(alert) ||
      (alert == kHandshakeFailure && tls.certificate_requested)) {
    return Fault::kTlsOriginClientCert13;
  }
  if (alert != kCloseNotify) return Fault::kTlsAlertFatal;
  return tls.failure == TlsFailure::kPolicy ? Fault::kTlsLocalPolicy
                                            : Fault::kTlsBroken;
}

bool IsOfTls(Fault fault) {
  return GetFault(fault).phase == Phase::kTls ||
         fault == Fault::kBodyTlsError || fault == Fault::kBodyTlsAlert;
}

bool FailedByDate(const TlsFacts& tls) {
  return tls.verification == Verification::kFailed && tls.verify_code >= 9 &&
         tls.verify_code <= 12;
}

bool OwnCertificateExpired(const ClientTlsFacts& tls) {
  return tls.own_not_after.has_value() && tls.now.has_value() &&
         *tls.now > *tls.own_not_after;
}

// Two origins that are wrong at the same moment are our own clock, and certs
// that begin tomorrow are rare; but those that nobody renewed lie about for
// long, so that it takes three of them.
OwnClock JudgeClock(const TlsFacts& tls) {
  const ClockFacts& others = tls.clock;
  const bool too_early = tls.verify_code == 9 || tls.verify_code == 11;
  if (!FailedByDate(tls)) return OwnClock::kUnknown;
  if (others.ahead.has_value() && others.dates >= 2) {
    const Seconds ahead = *others.ahead;
    if (ahead <= kSkew && ahead >= -kSkew) return OwnClock::kRight;
    if (too_early == (ahead > kSkew)) return OwnClock::kWrong;
  }
  if (others.failed < 2) return OwnClock::kUnknown;
  const bool all = others.failed >= others.origins;
  const bool leaf = tls.verify_depth == 0;  // else they may share an issuer
  return all && leaf && (too_early || others.failed >= 3) ? OwnClock::kWrong
                                                          : OwnClock::kSuspect;
}

}  // namespace whichhop::diagnostics
