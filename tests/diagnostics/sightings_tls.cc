// Observations of TLS, on both sides.

#include "tests/diagnostics/sighting_parts.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

// 2026-11-22 00:00:00 UTC, when all of this was seen.
constexpr uint64_t kNow = 1795305600;
constexpr uint64_t kDay = 86400;

// A handshake with app.internal that TLS itself broke off.
TlsFacts& Handshake(Observation& o) {
  AttemptFacts& a = Attempt(o, AttemptPhase::kTls, AttemptEnd::kTls);
  a.connect = microseconds(300);
  a.waited = milliseconds(12);
  a.by_address = true;
  TlsFacts& tls = a.tls.emplace();
  tls.min_version = 0x0303;
  tls.max_version = 0x0304;
  tls.sni = tls.expected = "app.internal";
  tls.alpn_offered = "http/1.1";
  tls.now = kNow;
  return tls;
}

TlsFacts& Alerted(Observation& o, uint8_t alert) {
  TlsFacts& tls = Handshake(o);
  tls.alert_received = alert;
  return tls;
}

// What verification said of a certificate for a year from March.
TlsFacts& Unverified(Observation& o, uint32_t code) {
  TlsFacts& tls = Handshake(o);
  tls.version = 0x0304;
  tls.received = 2000;
  tls.verification = Verification::kFailed;
  tls.verify_code = code;
  tls.certificate.chain = 2;
  tls.certificate.subject = "CN=app.internal";
  tls.certificate.issuer = "CN=Example CA";
  tls.certificate.names = "app.internal";
  tls.certificate.not_before = kNow - 260 * kDay;
  tls.certificate.not_after = kNow + 105 * kDay;
  return tls;
}

// The clocks of four other origins agree with ours, and their certificates
// were found valid.
void ClockInSync(TlsFacts& tls) {
  tls.clock.origins = 5;
  tls.clock.failed = 1;
  tls.clock.dates = 4;
  tls.clock.ahead = seconds(1);
}

// A handshake that was done and verified; then the exchange failed.
TlsFacts& Secured(AttemptFacts& a) {
  TlsFacts& tls = a.tls.emplace();
  tls.complete = true;
  tls.version = 0x0304;
  tls.sni = tls.expected = "app.internal";
  tls.received = 2000;
  tls.verification = Verification::kPassed;
  return tls;
}

ClientTlsFacts& ClientHandshake(Observation& o, Fault fault) {
  Decide(o, fault);
  ClientTlsFacts& tls = o.request.tls.emplace();
  tls.sni = "shop.example";
  tls.received = 517;
  tls.now = kNow;
  return tls;
}

// TLS with the upstream: the handshake.
SIGHTING(TlsPlainHttpServer) {
  constexpr std::string_view kAnswer = "HTTP/1.1 400 Bad";
  Handshake(o).failure = TlsFailure::kNotTls;
  kAnswer.copy(o.attempt.first_bytes.data(), kAnswer.size());
  o.attempt.first_bytes_size = static_cast<uint8_t>(kAnswer.size());
}
SIGHTING(TlsVersion) { Alerted(o, 70); }
SIGHTING(TlsVersionSiblingsAgree) { Alerted(o, 70).policy_agreed = seconds(2); }
SIGHTING(TlsVersionOurs) {
  TlsFacts& tls = Handshake(o);
  tls.failure = TlsFailure::kVersion;
  tls.alert_sent = 70;
}
SIGHTING(TlsCipher) { Alerted(o, 40).version = 0x0303; }
SIGHTING(TlsNoCertServer) { Alerted(o, 40).other_name_agreed = seconds(3); }
SIGHTING(TlsSniUnrecognized) { Alerted(o, 112); }
SIGHTING(TlsAlpn) { Alerted(o, 120); }
SIGHTING(TlsEof) {
  Handshake(o).failure = TlsFailure::kEof;
  o.attempt.end = AttemptEnd::kFin;
}
SIGHTING(TlsRst) {
  Handshake(o);
  o.attempt.end = AttemptEnd::kReset;
}
SIGHTING(TlsTimeout) {
  AttemptFacts& a = Sent(o, AttemptPhase::kTls, AttemptEnd::kTimeout);
  a.waited = a.limit = seconds(5);
}
SIGHTING(TlsTimeoutUnacked) {
  TlsTimeout(o);
  o.attempt.acked = 0;
  o.attempt.unsent = 300;
  o.attempt.tcp->unacked = 1;
  o.attempt.tcp->total_retrans = 4;
}
SIGHTING(TlsOriginClientCert12) {
  TlsFacts& tls = Alerted(o, 40);
  tls.version = 0x0303;
  tls.certificate_requested = true;
}
SIGHTING(TlsOriginClientCert13) {
  AttemptFacts& a = Attempt(o, AttemptPhase::kWait, AttemptEnd::kTls);
  a.connect = microseconds(300);
  a.sent = 300;
  a.by_address = true;
  TlsFacts& tls = Secured(a);
  tls.certificate_requested = true;
  tls.alert_received = 116;
}
SIGHTING(TlsLocalPolicy) {
  TlsFacts& tls = Handshake(o);
  tls.failure = TlsFailure::kPolicy;
  tls.reason = "dh key too small";
  tls.alert_sent = 40;
}
SIGHTING(TlsAlertFatal) { Alerted(o, 80); }
SIGHTING(TlsBroken) {
  TlsFacts& tls = Handshake(o);
  tls.failure = TlsFailure::kBroken;
  tls.alert_sent = 50;
}

// TLS with the upstream: its certificate.
SIGHTING(TlsvExpired) {
  TlsFacts& tls = Unverified(o, 10);
  tls.certificate.not_after = kNow - 2 * kDay;
  ClockInSync(tls);
}
SIGHTING(TlsvNotYetValid) {
  TlsFacts& tls = Unverified(o, 9);
  tls.certificate.not_before = kNow + 3 * kDay;
  ClockInSync(tls);
}
SIGHTING(SelfClockSkew) {
  TlsFacts& tls = Unverified(o, 9);
  tls.clock.origins = tls.clock.failed = 5;
  tls.clock.dates = 4;
  tls.clock.ahead = seconds(3 * 3600);
}
SIGHTING(TlsvSelfSigned) {
  TlsFacts& tls = Unverified(o, 18);
  tls.certificate.chain = 1;
  tls.certificate.issuer = "CN=app.internal";
  tls.certificate.self_issued = true;
  tls.certificate.new_key = false;
}
SIGHTING(TlsvSelfSignedNewKey) {
  TlsvSelfSigned(o);
  o.attempt.tls->certificate.new_key = true;
  o.attempt.tls->certificate.usual_issuer = "CN=Example CA";
}
SIGHTING(TlsvUnknownCa) { Unverified(o, 20); }
SIGHTING(TlsvMissingIntermediate) {
  TlsFacts& tls = Unverified(o, 20);
  tls.certificate.chain = 1;
  tls.certificate.issuer_url = true;
}
SIGHTING(TlsvHostMismatch) {
  Unverified(o, 62).certificate.names = "other.test";
}
SIGHTING(TlsvHostMismatchByName) {
  TlsvHostMismatch(o);
  o.attempt.by_address = false;
}
SIGHTING(TlsvRevoked) { Unverified(o, 23); }
SIGHTING(TlsvCrlUnusable) { Unverified(o, 12).crl_next_update = kNow - kDay; }
SIGHTING(TlsvPurpose) { Unverified(o, 26); }
SIGHTING(TlsvWeak) { Unverified(o, 66); }
SIGHTING(TlsvSignature) { Unverified(o, 7); }

// TLS with a client.
SIGHTING(CtlsVersion) {
  ClientTlsFacts& tls = ClientHandshake(o, Fault::kCtlsVersion);
  tls.failure = TlsFailure::kVersion;
  tls.max_version = 0x0302;
  tls.min_version = 0x0303;
  tls.alert_sent = 70;
}
SIGHTING(CtlsCipher) {
  ClientTlsFacts& tls = ClientHandshake(o, Fault::kCtlsCipher);
  tls.failure = TlsFailure::kCipher;
  tls.ciphers = "NULL-SHA256";
  tls.alert_sent = 40;
}
SIGHTING(CtlsPlainHttp) {
  ClientTlsFacts& tls = ClientHandshake(o, Fault::kCtlsPlainHttp);
  tls.failure = TlsFailure::kNotTls;
  tls.first_bytes = "GET / HT";
}
SIGHTING(CtlsSniUnknown) {
  ClientTlsFacts& tls = ClientHandshake(o, Fault::kCtlsSniUnknown);
  tls.complete = true;
  tls.sni = "192.0.2.1";
  tls.host = "shop.example";
}
SIGHTING(CtlsClientCert) {
  ClientHandshake(o, Fault::kCtlsClientCert).complete = true;
}
SIGHTING(CtlsAbortAlert) {
  ClientHandshake(o, Fault::kCtlsAbort).alert_received = 48;
}
SIGHTING(CtlsAbortFin) {
  ClientHandshake(o, Fault::kCtlsAbort).end = AttemptEnd::kFin;
}
SIGHTING(ReqMisdirected) {
  ClientTlsFacts& tls = ClientHandshake(o, Fault::kReqMisdirected);
  tls.complete = true;
  tls.sni = "a.test";
  tls.host = "b.test";
}

// What comes later over TLS.
SIGHTING(BodyCloseDelimitedUnclosed) {
  AttemptFacts& a = InBody(o, AttemptEnd::kFin, BodyFraming::kClose);
  Secured(a).failure = TlsFailure::kEof;
}
SIGHTING(BodyTlsError) {
  AttemptFacts& a = InBody(o, AttemptEnd::kTls, BodyFraming::kChunked);
  Secured(a).failure = TlsFailure::kBroken;
}
SIGHTING(BodyTlsAlert) {
  AttemptFacts& a = InBody(o, AttemptEnd::kTls, BodyFraming::kChunked);
  Secured(a).alert_received = 80;
}

// Answers over TLS.
SIGHTING(RelayedUnverified) {
  o.kind = Kind::kRelayed;
  o.protocol = "http/1.1";
  TlsFacts& tls = Secured(o.attempt);
  tls.verification = Verification::kOff;
  tls.verify_code = 18;
}
SIGHTING(RespEmptyFinOverTls) {
  See("RespEmptyFin", o);
  o.protocol = "http/1.1";
  Secured(o.attempt);
}
SIGHTING(RespEmptyFinUnverified) {
  RespEmptyFinOverTls(o);
  o.attempt.tls->verification = Verification::kOff;
}
SIGHTING(BackendAllDownExpired) {
  Decide(o, Fault::kBackendAllDown);
  o.decision.last_probe = Fault::kTlsvExpired;
}

}  // namespace
}  // namespace whichhop::diagnostics
