#include "diagnostics/classify.h"

#include <cerrno>

#include "diagnostics/classify_tls.h"

namespace whichhop::diagnostics {
namespace {

// Longer after the write, an end is an answer to the request, not the far
// end's idle timer that happened to run out at the same moment.
constexpr Micros kRaceWindow = Seconds(1);
// An address that nobody answers for fails after three ARP requests, 1 s each.
constexpr Micros kArpFailure = std::chrono::milliseconds(2900);
constexpr Micros kAtOnce = std::chrono::milliseconds(100);
constexpr Micros kUnknownRtt = std::chrono::milliseconds(300);

// Segments are in flight and stay so: lost, not merely young.
bool Unacknowledged(const TcpFacts& tcp) {
  if (tcp.unacked == 0) return false;
  return tcp.retransmits > 0 || tcp.total_retrans > 0 ||
         !tcp.last_ack.has_value() || *tcp.last_ack >= kRaceWindow;
}

bool Early(const AttemptFacts& a) {
  return a.acked.has_value() ? *a.acked == 0 : a.sent == 0;
}

// How soon a router that need not wait answers a SYN: within a round trip.
Micros AtOnce(const AttemptFacts& a) {
  return kAtOnce + a.peer_min_rtt.value_or(kUnknownRtt);
}

// The error came when no SYN of ours was on its way: those leave a whole number
// of seconds from the first. So the router had waited, for ARP requests that
// another's packet had begun.
bool BetweenSyns(const AttemptFacts& a) {
  return a.connect % Seconds(1) > AtOnce(a);
}

// ICMP type 3 (v6: 1): which router speaks, and of what.
Fault ClassifyUnreachable(const AttemptFacts& a) {
  const IcmpFacts& icmp = *a.icmp;
  const bool prohibited =
      icmp.v6 ? icmp.code == 1 || icmp.code == 5 || icmp.code == 6
              : icmp.code == 9 || icmp.code == 10 || icmp.code == 13;
  if (prohibited) return Fault::kConnectAdminProhibited;
  if (icmp.code == (icmp.v6 ? 4 : 3)) return Fault::kConnectRefusedIcmp;
  // The target is a neighbour of ours, or of the last router.
  if (icmp.offender == Offender::kOurselves && IsNoSuchHost(icmp)) {
    return Fault::kConnectUnreachArp;
  }
  const bool last_router =
      icmp.offender == Offender::kHop && icmp.hop == Hop::kTor;
  return last_router && NoNeighbour(a) ? Fault::kConnectUnreachArp
                                       : Fault::kConnectUnreachHost;
}

Fault ClassifyIcmp(const AttemptFacts& a) {
  const int exceeded = a.icmp->v6 ? 3 : 11;
  if (a.icmp->type == exceeded) return Fault::kConnectTtlExceeded;
  return ClassifyUnreachable(a);
}

Fault ClassifyUnixConnect(const AttemptFacts& a) {
  switch (a.error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Fault::kConnectEmfile;
    case EAGAIN:
      return Fault::kConnectUnixFull;
    default:
      return a.end == AttemptEnd::kTimeout ? Fault::kConnectUnixFull
                                           : Fault::kConnectUnix;
  }
}

Fault ClassifySilence(const AttemptFacts& a) {
  return a.siblings.flows_acking > 0 ? Fault::kConnectTimeoutBacklog
                                     : Fault::kConnectTimeout;
}

Fault ClassifyConnectErrno(const AttemptFacts& a) {
  switch (a.error) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
      return Fault::kConnectEmfile;
    case EADDRNOTAVAIL:
    case EADDRINUSE:
    case EAGAIN:
      return Fault::kConnectNoLocalPort;
    case EACCES:
    case EPERM:
      return Fault::kConnectLocalProhibit;
    case EINVAL:
    case EAFNOSUPPORT:
      return Fault::kConnectLocalBlackhole;
    case ECONNREFUSED:
      return Fault::kConnectRefusedRst;
    case ETIMEDOUT:
      return ClassifySilence(a);
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      if (a.synchronous) return Fault::kConnectUnreachNetLocal;
      // The error queue was lost: the time tells an ARP failure.
      return a.connect >= kArpFailure ? Fault::kConnectUnreachArp
                                      : Fault::kConnectUnreachHost;
    default:
      return a.synchronous ? Fault::kSelfInternal : Fault::kConnectTimeout;
  }
}

Fault ClassifyConnect(const AttemptFacts& a) {
  if (a.unix_socket) return ClassifyUnixConnect(a);
  if (a.icmp.has_value()) return ClassifyIcmp(a);
  switch (a.end) {
    case AttemptEnd::kErrno:
      return ClassifyConnectErrno(a);
    case AttemptEnd::kFin:
    case AttemptEnd::kReset:
      return Fault::kConnectResetAfterEstablished;
    case AttemptEnd::kTimeout:
    case AttemptEnd::kDeadline:
    case AttemptEnd::kMalformed:
    case AttemptEnd::kDns:
    case AttemptEnd::kTls:
      return ClassifySilence(a);
  }
  return ClassifySilence(a);
}

Fault ClassifyDns(const AttemptFacts& a) {
  switch (a.dns) {
    case DnsAnswer::kNxdomain:
      return Fault::kDnsNxdomain;
    case DnsAnswer::kNodata:
      return Fault::kDnsNodata;
    case DnsAnswer::kServfail:
    case DnsAnswer::kNotimp:
    case DnsAnswer::kFormerr:
      return Fault::kDnsServfail;
    case DnsAnswer::kRefused:
      return Fault::kDnsRefused;
    case DnsAnswer::kTcpFailed:
      return Fault::kDnsTcpFallbackFailed;
    case DnsAnswer::kPrivate:
      return Fault::kDnsPrivateAddress;
    case DnsAnswer::kNone:
    case DnsAnswer::kTimeout:
      return Fault::kDnsTimeout;
  }
  return Fault::kDnsTimeout;
}

Fault ClassifyMalformed(const AttemptFacts& a) {
  switch (a.malformed) {
    case Malformed::kNone:
    case Malformed::kNotHttp:
      return Fault::kHeadNotHttp;
    case Malformed::kHttp09:
      return Fault::kHeadHttp09;
    case Malformed::kBadVersion:
      return Fault::kHeadBadVersion;
    case Malformed::kBadStatus:
      return Fault::kHeadBadStatus;
    case Malformed::kBadField:
      return Fault::kHeadBadField;
    case Malformed::kClInvalid:
      return Fault::kHeadClInvalid;
    case Malformed::kClTe:
      return Fault::kHeadClTe;
    case Malformed::kTeUnsupported:
      return Fault::kHeadTeUnsupported;
    case Malformed::kUnsolicited101:
      return Fault::kHeadUnsolicited101;
    case Malformed::kUnsolicitedPartial:
      return Fault::kHeadUnsolicitedPartial;
    case Malformed::kBeforeRequest:
      return Fault::kHeadBeforeRequest;
    case Malformed::kHeadTooLarge:
      return Fault::kHeadTooLarge;
    case Malformed::kFieldTooLarge:
      return Fault::kHeadFieldTooLarge;
    case Malformed::kInterimFlood:
      return Fault::kResp1xxFlood;
    case Malformed::kChunk:
      return Fault::kBodyChunkMalformed;
    case Malformed::kBodyTooLarge:
      return Fault::kBodyTooLarge;
    case Malformed::kTrailers:
      return Fault::kBodyTrailers;
  }
  return Fault::kHeadNotHttp;
}

// What was sent is acknowledged, and then the far end fell silent altogether:
// one lost probe is an accident, two are not.
bool ProbesUnanswered(const AttemptFacts& a) {
  return a.tcp.has_value() && a.tcp->probes >= 2;
}

// Nothing of the final head came, and our timer ran out.
Fault ClassifyUnanswered(const AttemptFacts& a) {
  if (ProbesUnanswered(a)) return Fault::kRespPathLost;
  if (a.tcp.has_value()) {
    if (Unacknowledged(*a.tcp) && a.received == 0) {
      return Fault::kWriteTimeoutUnacked;
    }
    const bool unsent =
        a.phase == AttemptPhase::kRequest || a.unsent.value_or(0) > 0;
    if (unsent && a.tcp->snd_wnd == 0u) return Fault::kWriteTimeoutZeroWindow;
  }
  if (a.phase == AttemptPhase::kRequest && a.received == 0) {
    return Fault::kWriteTimeoutZeroWindow;
  }
  return a.interim > 0 ? Fault::kResp1xxThenHang : Fault::kRespTimeoutTtfb;
}

// The kernel gave the connection up: keep-alive or TCP_USER_TIMEOUT.
Fault ClassifyLost(const AttemptFacts& a) {
  const bool unacked = a.tcp.has_value() && Unacknowledged(*a.tcp);
  if (a.error == EHOSTUNREACH || a.error == ENETUNREACH) {
    return Fault::kRespPathUnreachable;
  }
  if (a.received == 0 && (unacked || a.phase == AttemptPhase::kRequest)) {
    return Fault::kWriteTimeoutUnacked;
  }
  return Fault::kRespPathLost;
}

// The far end's idle timer ran out as the request went out.
bool KeepAliveRace(const AttemptFacts& a) {
  return a.reused && a.received == 0 && a.waited <= kRaceWindow &&
         (a.phase == AttemptPhase::kWait || Early(a));
}

// FIN or RST, and nothing of the final head came.
Fault ClassifyEndUnanswered(const AttemptFacts& a) {
  const bool reset = a.end == AttemptEnd::kReset;
  if (a.interim > 0) return Fault::kResp1xxThenClose;
  if (KeepAliveRace(a)) return Fault::kStaleKeepaliveRace;
  // Whoever completed a handshake of TLS serves. And no acknowledgement of its
  // own has to come for a request that was read and answered by an end.
  const bool dropped = !a.reused && Early(a) && !TlsOf(a).complete;
  if (dropped) return Fault::kConnectResetAfterEstablished;
  if (a.phase == AttemptPhase::kRequest) return Fault::kWriteEarlyClose;
  return reset ? Fault::kRespRst : Fault::kRespEmptyFin;
}

// From the first request byte to the end of the head.
Fault ClassifyAnswer(const AttemptFacts& a) {
  const bool begun = a.head_bytes > 0;
  if (BrokenByTls(a)) {
    return KeepAliveRace(a) ? Fault::kStaleKeepaliveRace : ClassifyBrokenTls(a);
  }
  switch (a.end) {
    case AttemptEnd::kMalformed:
      return ClassifyMalformed(a);
    case AttemptEnd::kErrno:
      return ClassifyLost(a);
    case AttemptEnd::kFin:
    case AttemptEnd::kTls:
      return begun ? Fault::kHeadTruncated : ClassifyEndUnanswered(a);
    case AttemptEnd::kReset:
      return begun ? Fault::kHeadTruncatedRst : ClassifyEndUnanswered(a);
    case AttemptEnd::kTimeout:
    case AttemptEnd::kDeadline:
    case AttemptEnd::kDns:
      return begun ? Fault::kHeadTimeout : ClassifyUnanswered(a);
  }
  return Fault::kHeadTimeout;
}

Fault ClassifyBodyEnd(const AttemptFacts& a) {
  switch (a.framing) {
    case BodyFraming::kChunked:
      return Fault::kBodyChunkTruncated;
    case BodyFraming::kClose:
      return a.end == AttemptEnd::kReset ? Fault::kBodyCloseDelimitedCut
                                         : Fault::kBodyCloseDelimitedUnclosed;
    case BodyFraming::kLength:
      return a.end == AttemptEnd::kReset ? Fault::kBodyClShortRst
                                         : Fault::kBodyClShortFin;
  }
  return Fault::kBodyClShortFin;
}

Fault ClassifyBody(const AttemptFacts& a) {
  if (BrokenByTls(a)) return ClassifyBrokenTls(a);
  switch (a.end) {
    case AttemptEnd::kMalformed:
      return ClassifyMalformed(a);
    case AttemptEnd::kDeadline:
      return Fault::kBodyTotalTimeout;
    case AttemptEnd::kTimeout:
    case AttemptEnd::kErrno:  // keep-alive found the far end gone
    case AttemptEnd::kDns:
      return Fault::kBodyStall;
    case AttemptEnd::kFin:
    case AttemptEnd::kReset:
    case AttemptEnd::kTls:
      return ClassifyBodyEnd(a);
  }
  return Fault::kBodyStall;
}

}  // namespace

bool IsNoSuchHost(const IcmpFacts& icmp) {
  return icmp.v6 ? icmp.type == 1 && icmp.code == 3
                 : icmp.type == 3 && icmp.code == 1;
}

// Our own timer says nothing about when the ICMP error came.
bool CameLate(const AttemptFacts& a) {
  return a.end == AttemptEnd::kErrno && a.connect > AtOnce(a);
}

bool NoNeighbour(const AttemptFacts& a) {
  return IsNoSuchHost(*a.icmp) && a.end == AttemptEnd::kErrno &&
         (a.connect >= kArpFailure || BetweenSyns(a));
}

Fault Classify(const AttemptFacts& attempt) {
  switch (attempt.phase) {
    case AttemptPhase::kResolve:
      return ClassifyDns(attempt);
    case AttemptPhase::kConnect:
      return ClassifyConnect(attempt);
    case AttemptPhase::kTls:
      return ClassifyHandshake(attempt);
    case AttemptPhase::kRequest:
    case AttemptPhase::kWait:
    case AttemptPhase::kHead:
      return ClassifyAnswer(attempt);
    case AttemptPhase::kBody:
      return ClassifyBody(attempt);
  }
  return Fault::kSelfInternal;
}

bool IsSilence(Fault fault) {
  return fault == Fault::kConnectTimeout ||
         fault == Fault::kConnectUnreachArp ||
         fault == Fault::kWriteTimeoutUnacked || fault == Fault::kRespPathLost;
}

}  // namespace whichhop::diagnostics
