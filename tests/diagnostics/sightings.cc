#include <cerrno>

#include "tests/diagnostics/sighting_parts.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

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

void BadHead(Observation& o, Malformed malformed, std::string_view rule) {
  AttemptFacts& a =
      Answered(o, AttemptPhase::kHead, AttemptEnd::kMalformed, 40);
  a.malformed = malformed;
  a.rule = rule;
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

SIGHTING(Relayed) { o.kind = Kind::kRelayed; }
SIGHTING(Relayed401) {
  Relayed(o);
  o.status = 401;
  o.writer.no_challenge = true;
}

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

}  // namespace
}  // namespace whichhop::diagnostics
