#include "diagnostics/classify_tls.h"

#include <cerrno>

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

// Codes of X509_V_ERR_*.
Fault ClassifyCertificate(const TlsFacts& tls) {
  if (JudgeClock(tls) == OwnClock::kWrong) return Fault::kSelfClockSkew;
  switch (tls.verify_code) {
    case 9:  // CERT_NOT_YET_VALID
      return Fault::kTlsvNotYetValid;
    case 10:  // CERT_HAS_EXPIRED
      return Fault::kTlsvExpired;
    case 18:  // DEPTH_ZERO_SELF_SIGNED_CERT
      return Fault::kTlsvSelfSigned;
    case 20:  // UNABLE_TO_GET_ISSUER_CERT_LOCALLY
    case 21:  // UNABLE_TO_VERIFY_LEAF_SIGNATURE
      return IntermediateIsMissing(tls.certificate)
                 ? Fault::kTlsvMissingIntermediate
                 : Fault::kTlsvUnknownCa;
    case 2:   // UNABLE_TO_GET_ISSUER_CERT
    case 19:  // SELF_SIGNED_CERT_IN_CHAIN
    case 27:  // CERT_UNTRUSTED: the store says so
    case 28:  // CERT_REJECTED: likewise
      return Fault::kTlsvUnknownCa;
    case 62:  // HOSTNAME_MISMATCH
    case 63:  // EMAIL_MISMATCH
    case 64:  // IP_ADDRESS_MISMATCH
      return Fault::kTlsvHostMismatch;
    case 23:  // CERT_REVOKED
    case 73:  // OCSP_VERIFY_NEEDED
    case 74:  // OCSP_VERIFY_FAILED
    case 75:  // OCSP_CERT_UNKNOWN
      return Fault::kTlsvRevoked;
    case 3:   // UNABLE_TO_GET_CRL
    case 5:   // UNABLE_TO_DECRYPT_CRL_SIGNATURE
    case 8:   // CRL_SIGNATURE_FAILURE
    case 11:  // CRL_NOT_YET_VALID
    case 12:  // CRL_HAS_EXPIRED
    case 15:  // ERROR_IN_CRL_LAST_UPDATE_FIELD
    case 16:  // ERROR_IN_CRL_NEXT_UPDATE_FIELD
    case 33:  // UNABLE_TO_GET_CRL_ISSUER
    case 35:  // KEYUSAGE_NO_CRL_SIGN
    case 36:  // UNHANDLED_CRITICAL_CRL_EXTENSION
    case 44:  // DIFFERENT_CRL_SCOPE
    case 54:  // CRL_PATH_VALIDATION_ERROR
      return Fault::kTlsvCrlUnusable;
    case 66:  // EE_KEY_TOO_SMALL
    case 67:  // CA_KEY_TOO_SMALL
    case 68:  // CA_MD_TOO_WEAK
      return Fault::kTlsvWeak;
    case 4:  // UNABLE_TO_DECRYPT_CERT_SIGNATURE
    case 6:  // UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY
    case 7:  // CERT_SIGNATURE_FAILURE
      return Fault::kTlsvSignature;
    case 17:  // OUT_OF_MEM
    case 69:  // INVALID_CALL
    case 70:  // STORE_LOOKUP
      return Fault::kSelfInternal;
    default:  // INVALID_PURPOSE, INVALID_CA, PATH_LENGTH_EXCEEDED, and others
              // that say how a certificate is made
      return Fault::kTlsvPurpose;
  }
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
