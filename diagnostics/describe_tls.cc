#include "diagnostics/describe_tls.h"

#include "diagnostics/classify_tls.h"
#include "diagnostics/describe.h"
#include "diagnostics/tls_text.h"

namespace whichhop::diagnostics {
namespace {

using Line = FixedText<160>;

// Nothing is said of what is not known.
void Named(std::string_view what, std::string_view name, Line& line) {
  if (!name.empty()) line << what << name;
}

// "expired 2 days ago (notAfter 2026-11-20)".
void DescribeExpiry(std::optional<uint64_t> not_after,
                    std::optional<uint64_t> now, Line& line) {
  line << "expired";
  if (!not_after.has_value()) return;
  if (now.has_value() && *now >= *not_after) {
    line << " " << SpanText(*now - *not_after).view() << " ago";
  }
  line << " (notAfter " << DateText(*not_after).view() << ")";
}

void DescribeNotYet(const TlsFacts& tls, Line& line) {
  const std::optional<uint64_t>& begin = tls.certificate.not_before;
  line << "valid";
  if (!begin.has_value()) {
    line << " later";
    return;
  }
  if (tls.now.has_value() && *begin >= *tls.now) {
    line << " in " << SpanText(*begin - *tls.now).view();
  }
  line << " (notBefore " << DateText(*begin).view() << ")";
}

void DescribeCrl(const TlsFacts& tls, Line& line) {
  line << "verify " << VerifyText(tls.verify_code).view();
  if (!tls.crl_next_update.has_value()) return;
  line << ", nextUpdate " << DateText(*tls.crl_next_update).view();
  if (tls.now.has_value() && *tls.now >= *tls.crl_next_update) {
    line << ", " << SpanText(*tls.now - *tls.crl_next_update).view() << " ago";
  }
}

void DescribeClock(const ClockFacts& clock, Line& line) {
  line << clock.failed << " of " << clock.origins
       << " unrelated certificates fail by their dates";
  if (!clock.ahead.has_value()) return;
  const int64_t ahead = clock.ahead->count();
  const auto size = static_cast<uint64_t>(ahead < 0 ? -ahead : ahead);
  line << "; the Date of " << clock.dates << " origins is "
       << SpanText(size).view() << (ahead < 0 ? " behind us" : " ahead of us");
}

void DescribeNames(const TlsFacts& tls, Line& line) {
  line << "verify " << VerifyText(tls.verify_code).view();
  Named(": expected ", tls.expected, line);
  Named(", certificate is for ", tls.certificate.names, line);
  if (tls.sni != tls.expected) Named(", SNI ", tls.sni, line);
}

// Which certificate it was.
void DescribeWhich(const TlsFacts& tls, Line& line) {
  line << ", depth " << tls.verify_depth;
  Named(", subject ", tls.certificate.subject, line);
}

// And who signed it.
void DescribeChain(const TlsFacts& tls, Line& line) {
  line << "verify " << VerifyText(tls.verify_code).view();
  if (tls.certificate.new_key == true) line << ", a key never seen here";
  if (tls.certificate.chain > 0) {
    line << ", chain of " << tls.certificate.chain;
  }
  DescribeWhich(tls, line);
  Named(", issuer ", tls.certificate.issuer, line);
}

void DescribeVerification(const TlsFacts& tls, Fault fault, Line& line) {
  switch (fault) {
    case Fault::kTlsvExpired:
      line << "certificate ";
      DescribeExpiry(tls.certificate.not_after, tls.now, line);
      return DescribeWhich(tls, line);
    case Fault::kTlsvNotYetValid:
      line << "certificate ";
      DescribeNotYet(tls, line);
      return DescribeWhich(tls, line);
    case Fault::kSelfClockSkew:
      return DescribeClock(tls.clock, line);
    case Fault::kTlsvCrlUnusable:
      return DescribeCrl(tls, line);
    case Fault::kTlsvHostMismatch:
      return DescribeNames(tls, line);
    default:  // the code says it, and whose certificate it was
      return DescribeChain(tls, line);
  }
}

void DescribeOffer(const TlsFacts& tls, Line& line) {
  if (tls.max_version == 0) return;
  line << ", offered ";
  if (tls.min_version != 0 && tls.min_version != tls.max_version) {
    line << VersionText(tls.min_version).view() << " to ";
  }
  line << VersionText(tls.max_version).view();
}

void DescribeOwnCertificate(const TlsFacts& tls, Line& line) {
  if (!tls.certificate_requested) return;
  line << ", our certificate was "
       << (tls.certificate_sent ? "sent" : "asked for, none sent");
}

// What of our side the alert speaks of.
void DescribeSubject(const TlsFacts& tls, Fault fault, Line& line) {
  switch (fault) {
    case Fault::kTlsSniUnrecognized:
      return Named(" for SNI ", tls.sni, line);
    case Fault::kTlsNoCertServer:
      Named(" for SNI ", tls.sni, line);
      line << ", not for another name "
           << AgeSeconds(tls.other_name_agreed.value_or(Seconds(0)))
           << " s ago";
      return;
    case Fault::kTlsVersion:
      return DescribeOffer(tls, line);
    case Fault::kTlsAlpn:
      return Named(", offered ", tls.alpn_offered, line);
    case Fault::kTlsOriginClientCert12:
    case Fault::kTlsOriginClientCert13:
      return DescribeOwnCertificate(tls, line);
    default:
      return Named(", SNI ", tls.sni, line);
  }
}

void DescribeAlert(const TlsFacts& tls, Fault fault, Line& line) {
  line << "alert " << AlertText(*tls.alert_received).view() << " received";
  if (tls.complete) line << " after the handshake";
  DescribeSubject(tls, fault, line);
}

std::string_view FailureText(TlsFailure failure) {
  switch (failure) {
    case TlsFailure::kNone:
      return "TLS failed";
    case TlsFailure::kNotTls:
      return "no TLS";
    case TlsFailure::kVersion:
      return "no common version";
    case TlsFailure::kCipher:
      return "no common cipher";
    case TlsFailure::kPolicy:
      return "weaker than allowed";
    case TlsFailure::kBroken:
      return "records that cannot be read";
    case TlsFailure::kEof:
      return "no close_notify";
    case TlsFailure::kOther:
      return "TLS failed";
  }
  return "TLS failed";
}

// The library found it, and perhaps told the peer.
void DescribeFailure(const TlsFacts& tls, Line& line) {
  line << FailureText(tls.failure);
  Named(": ", tls.reason, line);
  if (tls.failure == TlsFailure::kVersion) DescribeOffer(tls, line);
  if (tls.failure != TlsFailure::kVersion && tls.version != 0) {
    line << ", " << VersionText(tls.version).view();
  }
  if (tls.alert_sent.has_value()) {
    line << ", alert " << AlertText(*tls.alert_sent).view() << " sent";
  }
}

void DescribeFirstBytes(std::string_view bytes, Line& line) {
  constexpr size_t kShown = 16;
  line << "first bytes \"" << bytes.substr(0, kShown) << "\" are no TLS";
}

// TCP or a timer ended the handshake.
void DescribeSilence(const AttemptFacts& a, Line& line) {
  const uint64_t received = TlsOf(a).received;
  const auto waited = DurationText(a.waited);
  if (a.end == AttemptEnd::kTimeout || a.end == AttemptEnd::kDeadline) {
    line << (received == 0 ? "no ServerHello in " : "handshake not done in ")
         << waited.view();
    if (received > 0) line << ", " << received << " bytes received";
    if (a.sent == 0 || !a.acked.has_value()) return;
    line << (*a.acked >= a.sent ? ", ClientHello acknowledged"
                                : ", ClientHello not acknowledged");
    return;
  }
  line << EndText(a).view() << " " << waited.view()
       << " after the ClientHello, " << received << " bytes received";
  Named(", SNI ", TlsOf(a).sni, line);
}

bool OfCertificate(Fault fault) {
  return GetFault(fault).type == ErrorType::kTlsCertificateError ||
         fault == Fault::kSelfClockSkew || fault == Fault::kTlsvCrlUnusable;
}

// Their handshake: who offered what.
void DescribeClientOffer(const ClientTlsFacts& tls, Fault fault, Line& line) {
  if (fault == Fault::kCtlsCipher) {
    line << "no common cipher";
    Named(", offered ", tls.ciphers, line);
    return;
  }
  line << "no common version";
  if (tls.max_version != 0) {
    line << ", offered up to " << VersionText(tls.max_version).view();
  }
  if (tls.min_version != 0) {
    line << ", the least here is " << VersionText(tls.min_version).view();
  }
}

void DescribeClientCertificate(const ClientTlsFacts& tls, Line& line) {
  if (tls.certificate.chain == 0) {
    line << "no certificate shown";
    return;
  }
  line << "verify " << VerifyText(tls.verify_code).view() << ", depth "
       << tls.verify_depth;
  Named(", subject ", tls.certificate.subject, line);
  Named(", issuer ", tls.certificate.issuer, line);
}

void DescribeClientEnd(const ClientTlsFacts& tls, Line& line) {
  if (tls.alert_received.has_value()) {
    line << "alert " << AlertText(*tls.alert_received).view() << " received";
  } else if (tls.end.has_value() && *tls.end != AttemptEnd::kTls) {
    AttemptFacts a;
    a.end = *tls.end;
    line << EndText(a).view();
  } else {
    line << FailureText(tls.failure);
    Named(": ", tls.reason, line);
  }
  line << " after " << tls.received << " bytes";
  if (!OwnCertificateExpired(tls)) return;
  line << ", own certificate ";
  DescribeExpiry(tls.own_not_after, tls.now, line);
}

void DescribeClientNames(const ClientTlsFacts& tls, Line& line) {
  if (tls.sni.empty()) {
    line << "no SNI";
  } else {
    line << "SNI " << tls.sni;
  }
  Named(", Host ", tls.host, line);
}

}  // namespace

FixedText<160> DescribeTls(const AttemptFacts& attempt, Fault fault) {
  Line line;
  const TlsFacts& tls = TlsOf(attempt);
  if (OfCertificate(fault)) {
    DescribeVerification(tls, fault, line);
  } else if (fault == Fault::kTlsPlainHttpServer) {
    DescribeFirstBytes({attempt.first_bytes.data(), attempt.first_bytes_size},
                       line);
  } else if (tls.alert_received.has_value()) {
    DescribeAlert(tls, fault, line);
  } else if (tls.failure != TlsFailure::kNone &&
             tls.failure != TlsFailure::kEof) {
    DescribeFailure(tls, line);
  } else {
    DescribeSilence(attempt, line);
  }
  return line;
}

FixedText<160> DescribeClientTls(const ClientTlsFacts& tls, Fault fault) {
  Line line;
  switch (fault) {
    case Fault::kCtlsVersion:
    case Fault::kCtlsCipher:
      DescribeClientOffer(tls, fault, line);
      break;
    case Fault::kCtlsPlainHttp:
      DescribeFirstBytes(tls.first_bytes, line);
      return line;
    case Fault::kCtlsClientCert:
      DescribeClientCertificate(tls, line);
      break;
    case Fault::kCtlsAbort:
      DescribeClientEnd(tls, line);
      break;
    case Fault::kCtlsSniUnknown:
    case Fault::kReqMisdirected:
      DescribeClientNames(tls, line);
      return line;
    default:  // what TLS carried failed, not TLS
      return line;
  }
  if (tls.alert_sent.has_value()) {
    line << ", alert " << AlertText(*tls.alert_sent).view() << " sent";
  }
  Named(", SNI ", tls.sni, line);
  return line;
}

}  // namespace whichhop::diagnostics
