#include "tests/diagnostics/sightings.h"

#include <cerrno>
#include <stdexcept>

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

void Decide(Observation& o, Fault fault) {
  o.kind = Kind::kDecision;
  o.fault = fault;
}

AttemptFacts& Attempt(Observation& o, AttemptPhase phase, AttemptEnd end) {
  o.kind = Kind::kAttempt;
  o.attempt.phase = phase;
  o.attempt.end = end;
  o.attempt.address = "10.0.0.5:8000";
  return o.attempt;
}

AttemptFacts& Resolve(Observation& o, DnsAnswer answer) {
  AttemptFacts& a = Attempt(o, AttemptPhase::kResolve, AttemptEnd::kDns);
  a.dns = answer;
  return a;
}

AttemptFacts& ConnectErrno(Observation& o, int error, Micros after) {
  AttemptFacts& a = Attempt(o, AttemptPhase::kConnect, AttemptEnd::kErrno);
  a.error = error;
  a.connect = after;
  return a;
}

AttemptFacts& NoSynAck(Observation& o) {
  AttemptFacts& a = Attempt(o, AttemptPhase::kConnect, AttemptEnd::kTimeout);
  a.connect = seconds(3);
  a.syns = 3;
  return a;
}

void Icmp(AttemptFacts& a, int code, Offender offender, Hop hop = Hop::kTor) {
  IcmpFacts icmp;
  icmp.code = static_cast<uint8_t>(code);
  icmp.offender = offender;
  icmp.hop = hop;
  icmp.address = "10.0.0.1";
  a.icmp = icmp;
}

// The handshake is done, 300 request bytes are written and acknowledged.
AttemptFacts& Sent(Observation& o, AttemptPhase phase, AttemptEnd end) {
  AttemptFacts& a = Attempt(o, phase, end);
  a.connect = microseconds(300);
  a.sent = 300;
  a.acked = 300;
  a.unsent = 0;
  a.tcp = TcpFacts{};
  return a;
}

AttemptFacts& Answered(Observation& o, AttemptPhase phase, AttemptEnd end,
                       uint64_t received) {
  AttemptFacts& a = Sent(o, phase, end);
  a.received = received;
  if (phase == AttemptPhase::kHead) a.head_bytes = received;
  return a;
}

void BadHead(Observation& o, Malformed malformed, std::string_view rule) {
  AttemptFacts& a =
      Answered(o, AttemptPhase::kHead, AttemptEnd::kMalformed, 40);
  a.malformed = malformed;
  a.rule = rule;
}

AttemptFacts& InBody(Observation& o, AttemptEnd end, BodyFraming framing) {
  AttemptFacts& a = Answered(o, AttemptPhase::kBody, end, 60);
  a.status = 200;
  a.head_forwarded = true;
  a.framing = framing;
  a.body_received = 2;
  a.quiet = milliseconds(1);
  if (framing == BodyFraming::kLength) a.body_expected = 100;
  return a;
}

AttemptFacts& Unacked(Observation& o) {
  AttemptFacts& a = Sent(o, AttemptPhase::kWait, AttemptEnd::kTimeout);
  a.acked = 0;
  a.unsent = 300;
  a.waited = seconds(31);
  a.tcp->unacked = 3;
  a.tcp->total_retrans = 6;
  a.tcp->last_ack = seconds(31);
  return a;
}

AttemptFacts& NoAnswer(Observation& o) {
  AttemptFacts& a = Sent(o, AttemptPhase::kWait, AttemptEnd::kTimeout);
  a.waited = a.limit = seconds(60);
  return a;
}

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

std::vector<Sighting>& Registered() {
  static std::vector<Sighting> all;
  return all;
}

bool Register(const Sighting& sighting) {
  Registered().push_back(sighting);
  return true;
}

// Defines a sighting and adds it to the list under its name.
#define SIGHTING(name)                                                     \
  void name(Observation& o);                                               \
  [[maybe_unused]] const bool registered_##name = Register({#name, name}); \
  void name([[maybe_unused]] Observation& o)

SIGHTING(Relayed) { o.kind = Kind::kRelayed; }

// The client's side.
SIGHTING(ReqHeadTimeoutSlow) {
  Decide(o, Fault::kReqHeadTimeout);
  o.request.head_bytes = 41;
  o.request.elapsed = seconds(10);
  o.request.client_retransmits = 0;
}
SIGHTING(ReqHeadTimeoutLossy) {
  ReqHeadTimeoutSlow(o);
  o.request.client_retransmits = 7;
}
SIGHTING(ReqLineBad) {
  Decide(o, Fault::kReqLineBad);
  o.request.rule = "second SP in the request line";
  o.request.offset = 4;
}
SIGHTING(ReqHeadTooLargeCookie) {
  Decide(o, Fault::kReqHeadTooLarge);
  o.request.head_bytes = 33894;
  o.request.head_limit = 32768;
  o.request.biggest_field = "Cookie";
  o.request.biggest_field_bytes = 32153;
}
SIGHTING(ReqHeadTooLargeXff) {
  ReqHeadTooLargeCookie(o);
  o.request.biggest_field = "X-Forwarded-For";
}
SIGHTING(ReqFramingConflict) { Decide(o, Fault::kReqFramingConflict); }
SIGHTING(ReqVersion) { Decide(o, Fault::kReqVersion); }
SIGHTING(ReqbodyTimeout) {
  Decide(o, Fault::kReqbodyTimeout);
  o.request.body_received = 10;
  o.request.body_expected = 1000;
  o.request.client_retransmits = 0;
}
SIGHTING(ReqbodyTruncated) {
  Decide(o, Fault::kReqbodyTruncated);
  o.request.body_received = 10;
  o.request.body_expected = 1000;
}
SIGHTING(ReqbodyTooLarge) { Decide(o, Fault::kReqbodyTooLarge); }

// Our own decisions, and the side legs.
SIGHTING(RouteNone) {
  Decide(o, Fault::kRouteNone);
  o.decision.detail = "no route for Host x.example";
}
SIGHTING(LoopDetected) { Decide(o, Fault::kLoopDetected); }
SIGHTING(BackendAllDownRefused) {
  Decide(o, Fault::kBackendAllDown);
  o.decision.servers = o.decision.ejected = 2;
  o.decision.last_probe = Fault::kConnectRefusedRst;
  o.decision.probe_connect = microseconds(400);
  o.decision.probe_peer_rtt = microseconds(350);
}
SIGHTING(BackendAllDownTimeout) {
  Decide(o, Fault::kBackendAllDown);
  o.decision.last_probe = Fault::kConnectTimeout;
}
SIGHTING(BackendAllDownExpired) {
  Decide(o, Fault::kBackendAllDown);
  o.decision.last_probe = Fault::kTlsvExpired;
}
SIGHTING(BackendConnLimitSlotsHeld) {
  Decide(o, Fault::kBackendConnLimit);
  o.decision.in_flight = o.decision.limit = 8;
  o.decision.oldest_in_flight = seconds(58);
  o.decision.in_flight_acked = true;
}
SIGHTING(BackendConnLimitBusy) {
  BackendConnLimitSlotsHeld(o);
  o.decision.oldest_in_flight = milliseconds(100);
}
SIGHTING(Maintenance) { Decide(o, Fault::kMaintenance); }
SIGHTING(AcceptOverload) { Decide(o, Fault::kAcceptOverload); }
SIGHTING(AuthDenied401) {
  Decide(o, Fault::kAuthDenied);
  o.decision.status = 401;
}
SIGHTING(AuthDenied403) {
  Decide(o, Fault::kAuthDenied);
  o.decision.status = 403;
}
SIGHTING(AuthUnavailableRefused) { Decide(o, Fault::kAuthUnavailable); }
SIGHTING(Auth401NoChallenge) { Decide(o, Fault::kAuth401NoChallenge); }
SIGHTING(RateLimited) { Decide(o, Fault::kRateLimited); }

// The resolver.
SIGHTING(DnsNxdomainFirst) { Resolve(o, DnsAnswer::kNxdomain); }
SIGHTING(DnsNxdomainSeenBefore) {
  Resolve(o, DnsAnswer::kNxdomain).resolved_before = seconds(40);
}
SIGHTING(DnsNodata) { Resolve(o, DnsAnswer::kNodata); }
SIGHTING(DnsServfail) {
  Resolve(o, DnsAnswer::kServfail);
  o.attempt.dns_extended = 22;
}
SIGHTING(DnsTimeout) { Resolve(o, DnsAnswer::kTimeout); }

// Connect.
SIGHTING(ConnectRefusedRstFirstContact) {
  ConnectErrno(o, ECONNREFUSED, microseconds(400));
}
SIGHTING(ConnectRefusedRst) {
  ConnectErrno(o, ECONNREFUSED, microseconds(400)).peer_min_rtt =
      microseconds(350);
}
SIGHTING(ConnectRefusedIcmp) {
  Icmp(ConnectErrno(o, ECONNREFUSED, milliseconds(1)), 3, Offender::kHop);
}
SIGHTING(ConnectRefusedIcmpOwnReject) {
  Icmp(ConnectErrno(o, ECONNREFUSED, milliseconds(1)), 3, Offender::kTarget);
}
SIGHTING(ConnectRefusedIcmpStranger) {
  Icmp(ConnectErrno(o, ECONNREFUSED, milliseconds(1)), 3, Offender::kStranger);
}
SIGHTING(ConnectTimeout) { NoSynAck(o); }
SIGHTING(ConnectTimeoutNoRetransmit) {
  AttemptFacts& a = NoSynAck(o);
  a.connect = milliseconds(900);
  a.syns = 1;
}
SIGHTING(ConnectTimeoutRackSibling) {
  NoSynAck(o).siblings.same_rack = seconds(1);
}
SIGHTING(ConnectTimeoutOtherRackSibling) {
  NoSynAck(o).siblings.other_rack = seconds(1);
}
SIGHTING(ConnectTimeoutWholeRack) {
  SiblingFacts& near = NoSynAck(o).siblings;
  near.rack_servers = near.rack_silent = 3;
  near.other_rack = seconds(1);
}
SIGHTING(ConnectTimeoutWalkIsp) {
  SiblingFacts& near = NoSynAck(o).siblings;
  near.walk_last = Hop::kIsp;
  near.walk_age = seconds(20);
}
SIGHTING(ConnectTimeoutWalkTor) {
  ConnectTimeoutWalkIsp(o);
  o.attempt.siblings.walk_last = Hop::kTor;
}
SIGHTING(ConnectTimeoutBacklog) { NoSynAck(o).siblings.flows_acking = 4; }
SIGHTING(ConnectTimeoutIcmpTor) { Icmp(NoSynAck(o), 1, Offender::kHop); }
SIGHTING(ConnectUnreachHostTor) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(2)), 1, Offender::kHop);
}
SIGHTING(ConnectUnreachHostIsp) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(9)), 1, Offender::kHop,
       Hop::kIsp);
}
SIGHTING(ConnectUnreachArpOwn) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(3050)), 1,
       Offender::kOurselves);
}
SIGHTING(ConnectUnreachArpRouter) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(3060)), 1, Offender::kHop);
}
SIGHTING(ConnectAdminProhibitedTor) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(2)), 13, Offender::kHop);
}
SIGHTING(ConnectAdminProhibitedIsp) {
  Icmp(ConnectErrno(o, EHOSTUNREACH, milliseconds(2)), 10, Offender::kHop,
       Hop::kIsp);
}
SIGHTING(ConnectResetAfterEstablished) {
  AttemptFacts& a = Sent(o, AttemptPhase::kWait, AttemptEnd::kReset);
  a.acked = 0;
  a.waited = milliseconds(1);
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

// The request on its way up.
SIGHTING(StaleKeepaliveRace) {
  AttemptFacts& a = Sent(o, AttemptPhase::kWait, AttemptEnd::kReset);
  a.acked = 0;
  a.reused = true;
  a.idle = seconds(61);
  a.served = 9;
  a.waited = microseconds(300);
}
SIGHTING(WriteEarlyClose) {
  AttemptFacts& a = Sent(o, AttemptPhase::kRequest, AttemptEnd::kReset);
  a.sent = a.acked.emplace(65536);
}
SIGHTING(WriteTimeoutZeroWindow) {
  AttemptFacts& a = Sent(o, AttemptPhase::kRequest, AttemptEnd::kTimeout);
  a.unsent = 100000;
  a.tcp->snd_wnd = 0;
  a.tcp->last_ack = milliseconds(800);
}
SIGHTING(WriteTimeoutUnacked) { Unacked(o); }
SIGHTING(WriteTimeoutUnackedRackSibling) {
  Unacked(o).siblings.same_rack = seconds(1);
}
SIGHTING(WriteTimeoutUnackedContradiction) {
  Unacked(o).siblings.flows_acking = 2;
}

// Waiting for the answer.
SIGHTING(RespTimeoutTtfb) { NoAnswer(o); }
SIGHTING(RespTimeoutTtfbSameAddress) {
  NoAnswer(o).siblings.same_address = seconds(1);
}
SIGHTING(RespTimeoutTtfbSameServer) {
  NoAnswer(o).siblings.same_address = seconds(1);
}
SIGHTING(RespEmptyFin) {
  Sent(o, AttemptPhase::kWait, AttemptEnd::kFin).waited = milliseconds(12);
}
SIGHTING(RespRst) {
  Sent(o, AttemptPhase::kWait, AttemptEnd::kReset).waited = milliseconds(12);
}
SIGHTING(Resp1xxThenClose) {
  Answered(o, AttemptPhase::kWait, AttemptEnd::kFin, 25).interim = 1;
}
SIGHTING(Resp1xxFlood) {
  AttemptFacts& a =
      Answered(o, AttemptPhase::kWait, AttemptEnd::kMalformed, 25025);
  a.interim = 1001;
  a.malformed = Malformed::kInterimFlood;
}

// The answer's head.
SIGHTING(HeadNotHttp) { BadHead(o, Malformed::kNotHttp, "no status line"); }
SIGHTING(HeadHttp09) { BadHead(o, Malformed::kHttp09, "no status line"); }
SIGHTING(HeadBadStatus) { BadHead(o, Malformed::kBadStatus, "bad status"); }
SIGHTING(HeadTruncated) {
  Answered(o, AttemptPhase::kHead, AttemptEnd::kFin, 27);
}
SIGHTING(HeadTimeout) {
  Answered(o, AttemptPhase::kHead, AttemptEnd::kTimeout, 60).quiet =
      milliseconds(900);
}
SIGHTING(HeadTooLarge) {
  BadHead(o, Malformed::kHeadTooLarge, "head too large");
  o.attempt.rule_bytes = 300 * 1024;
}
SIGHTING(HeadBadField) { BadHead(o, Malformed::kBadField, "no colon"); }
SIGHTING(HeadClInvalid) { BadHead(o, Malformed::kClInvalid, "two lengths"); }
SIGHTING(HeadClTe) { BadHead(o, Malformed::kClTe, "length and chunked"); }
SIGHTING(HeadTeUnsupported) {
  BadHead(o, Malformed::kTeUnsupported, "transfer coding");
  o.attempt.rule_value = "gzip";
}
SIGHTING(HeadUnsolicited101) {
  BadHead(o, Malformed::kUnsolicited101, "101 without Upgrade");
}

// The answer's body.
SIGHTING(BodyClShortFin) { InBody(o, AttemptEnd::kFin, BodyFraming::kLength); }
SIGHTING(BodyClShortRst) {
  InBody(o, AttemptEnd::kReset, BodyFraming::kLength);
}
SIGHTING(BodyStall) {
  AttemptFacts& a = InBody(o, AttemptEnd::kTimeout, BodyFraming::kLength);
  a.quiet = seconds(30);
  a.tcp->last_ack = seconds(4);
}
SIGHTING(BodyStallLossy) {
  BodyStall(o);
  o.attempt.tcp->rcv_ooopack = 40;
}
SIGHTING(BodyChunkTruncated) {
  InBody(o, AttemptEnd::kFin, BodyFraming::kChunked);
}
SIGHTING(BodyChunkMalformed) {
  InBody(o, AttemptEnd::kMalformed, BodyFraming::kChunked).malformed =
      Malformed::kChunk;
}
SIGHTING(BodyChunkMalformedFirst) {
  BodyChunkMalformed(o);
  o.attempt.head_forwarded = false;
}
SIGHTING(BodyCloseDelimitedCut) {
  InBody(o, AttemptEnd::kReset, BodyFraming::kClose);
}
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
  Relayed(o);
  o.protocol = "http/1.1";
  TlsFacts& tls = Secured(o.attempt);
  tls.verification = Verification::kOff;
  tls.verify_code = 18;
}
SIGHTING(RespEmptyFinOverTls) {
  RespEmptyFin(o);
  o.protocol = "http/1.1";
  Secured(o.attempt);
}
SIGHTING(RespEmptyFinUnverified) {
  RespEmptyFinOverTls(o);
  o.attempt.tls->verification = Verification::kOff;
}

}  // namespace

const std::vector<Sighting>& AllSightings() { return Registered(); }

void See(std::string_view name, Observation& o) {
  for (const Sighting& sighting : AllSightings()) {
    if (sighting.name == name) return sighting.see(o);
  }
  throw std::invalid_argument("no such sighting: " + std::string(name));
}

}  // namespace whichhop::diagnostics
