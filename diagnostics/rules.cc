#include "diagnostics/rules.h"

#include "diagnostics/classify.h"
#include "diagnostics/describe.h"
#include "diagnostics/fingerprint.h"
#include "diagnostics/rules_tls.h"

namespace whichhop::diagnostics {
namespace {

constexpr Seconds kFreshWalk{60};  // a path seldom changes faster

// The hop that ends our connection for sure, if the configuration tells. A
// balancer that may stand there is one; behind it nothing is known.
HopSet Holder(const Scene& s) {
  return s.path & HopSet{s.path.contains(Hop::kLb) ? Hop::kLb : Hop::kServer};
}

// The holder that lives if the address does: only where no balancer may hold
// it, for a balancer's kernel speaks for none of its servers.
HopSet HostIfSole(const Scene& s) {
  if (s.path.contains(Hop::kLb)) return {};
  return s.path & HopSet{Hop::kServer};
}

Finding RefusedByTarget(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (s.fault != Fault::kConnectRefusedRst || a.unix_socket) return f;
  if (!a.peer_min_rtt.has_value()) return f;
  if (a.connect * 2 < *a.peer_min_rtt) return f;  // from a nearer box
  f.cleared = Network(s);
  f.sentence << "the refusal took " << DurationText(a.connect).view()
             << ", the target's least RTT is "
             << DurationText(*a.peer_min_rtt).view()
             << ": its own kernel sent it, so the way there works";
  return f;
}

Finding Handshake(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (!Established(a) || a.unix_socket || !WayWorked(s)) return f;
  if (a.reused || Timer(a)) return f;
  if (a.received > 0 || a.acked.value_or(0) > 0) return f;
  f.cleared = Network(s);
  f.sentence << "TCP's handshake ";
  if (a.connect == Micros(0)) {
    f.sentence << "was completed";
  } else {
    f.sentence << "took " << DurationText(a.connect).view();
  }
  f.sentence << ": the way to the far end works";
  return f;
}

Finding Acknowledged(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (!Established(a) || a.unix_socket || !WayWorked(s)) return f;
  if (a.received > 0) return f;
  if (Timer(a) ? a.sent == 0 : a.acked.value_or(0) == 0) return f;
  f.cleared = Network(s);
  f.sentence << "bytes of the "
             << (a.phase == AttemptPhase::kTls ? "handshake" : "request")
             << " were acknowledged (";
  if (a.acked.has_value()) {
    f.sentence << *a.acked << " of ";
  }
  f.sentence << a.sent << "): the network carries both ways";
  return f;
}

Finding ProbeAnswered(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (s.fault != Fault::kBodyStall || a.unix_socket || !WayWorked(s)) return f;
  f.cleared = Network(s);
  f.sentence << "keep-alive probes are acknowledged, last "
             << DurationText(a.tcp->last_ack.value_or(Micros(0))).view()
             << " ago: the way lives, the far end does not send";
  return f;
}

Finding Unacknowledged(const Scene& s) {
  Finding f;
  if (s.fault != Fault::kWriteTimeoutUnacked) return f;
  f.cleared = HopSet{Hop::kApp};
  f.sentence << "the request is not acknowledged";
  if (s.attempt.tcp.has_value()) {
    f.sentence << " (" << s.attempt.tcp->unacked << " segments, "
               << s.attempt.tcp->total_retrans << " retransmitted)";
  }
  f.sentence << ": kernels acknowledge, not apps";
  return f;
}

Finding ProbesUnanswered(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (!SilentToProbes(a) || a.unix_socket) return f;
  f.cleared = HopSet{Hop::kApp};
  f.sentence << a.tcp->probes
             << " keep-alive probes in a row were not answered: kernels answer "
                "them, not apps";
  return f;
}

Finding BytesCame(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (a.received == 0 || a.unix_socket || !WayWorked(s)) return f;
  if (s.fault == Fault::kBodyStall) return f;  // ProbeAnswered speaks of it
  f.cleared = Network(s);
  f.sentence << a.received << " bytes of "
             << (a.phase == AttemptPhase::kTls ? "a handshake" : "an answer")
             << " came: the way works; who wrote them is not shown";
  return f;
}

Finding SegmentsBehindHole(const Scene& s) {
  Finding f;
  if (!Gaps(s.attempt)) return f;
  f.blamed = HopList(Network(s));
  f.sentence << "what came waits behind a hole that stays ("
             << s.attempt.tcp->rcv_ooopack
             << " segments out of order): the far end sends, the way loses";
  return f;
}

Finding SegmentsBehindLoss(const Scene& s) {
  Finding f;
  if (!LosesSome(s.attempt)) return f;
  f.blamed = HopList(Network(s));
  f.sentence << "of what was sent " << s.attempt.tcp->sacked
             << " segments arrived behind one that never does: the far end's "
                "kernel lives, the way loses, perhaps what is long";
  return f;
}

// What this address shares with others of the way to it, as far as this very
// connection does not show that the way loses some of what is sent.
HopSet SharedWay(const Scene& s) {
  if (Gaps(s.attempt) || LosesSome(s.attempt)) return {};
  return Network(s);
}

Finding ReusedConnection(const Scene& s) {
  Finding f;
  const AttemptFacts& a = s.attempt;
  if (s.fault != Fault::kStaleKeepaliveRace || a.unix_socket) return f;
  if (a.served == 0) return f;
  f.cleared = Network(s);
  f.sentence << "this connection served " << a.served
             << " exchanges before: the way works, its far end closed it when "
                "idle";
  return f;
}

Finding SiblingSameAddress(const Scene& s) {
  Finding f;
  const auto& age = s.attempt.siblings.same_address;
  if (!Fresh(age)) return f;
  f.cleared = SharedWay(s) | Holder(s);
  f.sentence << "this address answered another request " << AgeSeconds(*age)
             << " s ago: the way and whoever holds the address work";
  return f;
}

Finding SiblingFlows(const Scene& s) {
  Finding f;
  const uint32_t flows = s.attempt.siblings.flows_acking;
  if (flows == 0) return f;
  f.cleared = SharedWay(s) | HostIfSole(s);
  f.sentence << flows
             << " other connections to this address still acknowledge: path "
                "and host live";
  return f;
}

Finding SiblingFlowsSilent(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (s.fault != Fault::kConnectTimeout || near.flows_acking > 0) return f;
  if (near.flows_silent == 0) return f;
  f.cleared = HopSet{Hop::kApp};
  f.sentence << near.flows_silent
             << " other connections to this address let keep-alive probes "
                "pass: kernels answer them, not apps";
  return f;
}

// The same answer breaks again and again, and others come whole in between: who
// holds the address works, and what is behind this one request does not.
Finding AnsweredBetween(const Scene& s) {
  Finding f;
  if (!s.attempt.siblings.answered_between || !Established(s.attempt)) return f;
  if (!s.path.contains(Hop::kApp) || Timer(s.attempt)) return f;
  f.cleared = Holder(s);
  f.sentence << "answers broke here twice within 10 s, and another came whole "
                "in between: whoever holds the address works";
  return f;
}

// A kernel that said goodbye for its app a moment ago has not been started
// anew since. Where a server's program answers it may have been that one's.
Finding FarEndClosed(const Scene& s) {
  Finding f;
  const auto& age = s.attempt.siblings.far_end_closed;
  if (s.fault != Fault::kConnectRefusedRst || s.attempt.unix_socket) return f;
  if (!Fresh(age) || s.is == Answers::kServer) return f;
  f.cleared = s.path & HopSet{Hop::kServer};
  f.sentence << "the far end's kernel closed a connection in order "
             << AgeSeconds(*age)
             << " s ago, and refuses now: the host lives, nobody listens";
  return f;
}

// A kernel ends the connections of an app that dies, at once. One that knows
// nothing of a connection that it had, and of no app, was started anew.
Finding HostForgot(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (s.fault != Fault::kConnectRefusedRst || s.attempt.unix_socket) return f;
  if (!Fresh(near.forgotten) || !near.host_refuses) return f;
  f.cleared = s.path & HopSet{Hop::kApp};
  f.sentence << "a connection that stood idle was reset when it was used, "
             << AgeSeconds(*near.forgotten)
             << " s ago, and other ports of the host refuse too: its kernel "
                "was started anew, or a filter of it rejects";
  return f;
}

// Whoever listens is who refuses, and who ends TLS: no app, where a program
// that stands before it listens.
Finding FrontListens(const Scene& s) {
  Finding f;
  const std::string_view product = ProductOf(s.attempt.usual_server);
  const bool listeners = s.fault == Fault::kConnectRefusedRst ||
                         s.attempt.phase == AttemptPhase::kTls;
  if (!listeners || s.attempt.unix_socket) return f;
  if (s.is != Answers::kServer || !StandsBeforeApps(product)) return f;
  f.cleared = s.path & HopSet{Hop::kApp};
  f.sentence << product.substr(0, 40)
             << " usually listens here: what lies behind it took no part";
  return f;
}

// The hops of the leg that lie nearer to us than this one.
HopSet Nearer(const Scene& s, Hop hop) {
  HopSet nearer;
  for (Hop each : s.path) {
    if (Index(each) < Index(hop)) nearer.Add(each);
  }
  return nearer;
}

bool WalkIsFresh(const SiblingFacts& near) {
  return near.walk_last.has_value() && near.walk_age <= kFreshWalk;
}

// Whoever says that there is no such host has let a walk's packet pass: so it
// has a route, and a neighbour that does not answer. It itself: a hop may be
// two routers, of which the nearer lets pass what the farther refuses.
bool LetWalkPass(const Scene& s, const IcmpFacts& icmp) {
  const SiblingFacts& near = s.attempt.siblings;
  return IsNoSuchHost(icmp) && WalkIsFresh(near) && near.walk_passed_sender &&
         !near.walk_refused;
}

// Or it has answered one itself, that its own way on is dead. Such an error may
// come so late that it looks like a wait for ARP: routers say few in a second.
bool RefusedWalk(const Scene& s, const IcmpFacts& icmp) {
  const SiblingFacts& near = s.attempt.siblings;
  return WalkIsFresh(near) && near.walk_last == icmp.hop && near.walk_refused;
}

// It may have waited for ARP, if not on behalf of this very packet: then its
// error comes with the end of a wait that another's packet began. Only what the
// first that asks hears at once was not waited for.
bool MayHaveWaited(const Scene& s, const IcmpFacts& icmp) {
  if (RefusedWalk(s, icmp) || !IsNoSuchHost(icmp)) return false;
  return CameLate(s.attempt) || s.attempt.siblings.unheard_before;
}

// A host that does not answer ARP where those beside it are heard: what they
// share is whole only if who asked in vain has a route to it at all, for a dead
// one may be so for one address alone.
bool AskedInVain(const Scene& s) {
  if (!s.attempt.icmp.has_value()) return false;
  const IcmpFacts& icmp = *s.attempt.icmp;
  return icmp.offender == Offender::kOurselves || LetWalkPass(s, icmp);
}

Finding SiblingSameRack(const Scene& s) {
  Finding f;
  const auto& age = s.attempt.siblings.same_rack;
  if (!Fresh(age)) return f;
  const bool unfound = s.fault == Fault::kConnectUnreachArp ||
                       s.fault == Fault::kConnectUnreachHost;
  if (unfound && !AskedInVain(s)) return f;
  f.cleared = SharedWay(s);
  f.sentence << "a server of the same rack answered " << AgeSeconds(*age)
             << " s ago: what the two share works";
  return f;
}

Finding SiblingOtherRack(const Scene& s) {
  Finding f;
  const auto& age = s.attempt.siblings.other_rack;
  if (!Fresh(age)) return f;
  f.cleared = SharedWay(s) & HopSet{Hop::kIsp};
  f.sentence << "a server of another rack answered " << AgeSeconds(*age)
             << " s ago: what the two share works";
  return f;
}

Finding WholeRackSilent(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (!IsSilence(s.fault) || s.attempt.unix_socket) return f;
  if (!Fresh(near.other_rack)) return f;
  if (near.rack_servers < 2 || near.rack_silent < near.rack_servers) return f;
  f.blamed = {Hop::kTor};
  f.sentence << "all " << near.rack_servers
             << " servers of this rack are silent and another rack answers: "
                "what they alone share is the switch";
  return f;
}

// The hop of the leg that comes right behind this one, if there is one.
HopSet Next(const Scene& s, Hop hop) {
  for (Hop each : s.path) {
    if (Index(each) > Index(hop)) return {each};
  }
  return {};
}

HopSet Nearest(HopSet hops) {
  for (Hop each : hops) return {each};
  return {};
}

void BlameRouter(const Scene& s, const IcmpFacts& icmp, Finding& f) {
  f.cleared = Nearer(s, icmp.hop);
  if (s.fault == Fault::kConnectUnreachArp && MayHaveWaited(s, icmp)) {
    f.sentence << IcmpText(icmp).view()
               << ": the last router got no ARP answer for the host";
    return;
  }
  f.sentence << IcmpText(icmp).view() << ", which topology calls "
             << HopName(icmp.hop);
  if (MayHaveWaited(s, icmp) || LetWalkPass(s, icmp)) {
    f.blamed = HopList(Next(s, icmp.hop));
    if (LetWalkPass(s, icmp)) {
      f.sentence << ", and its own route is whole, as a path walk shows";
    } else if (NoNeighbour(s.attempt)) {
      f.sentence << ", after " << DurationText(s.attempt.connect).view()
                 << ": it waited for ARP";
    } else if (CameLate(s.attempt)) {
      f.sentence << ", after " << DurationText(s.attempt.connect).view()
                 << ": it may have waited for ARP";
    } else {
      f.sentence << ", and others had asked before: it may have waited for ARP";
    }
    f.sentence << ": the next hop does not answer it";
  } else {
    f.sentence << ": it says so itself";
  }
  f.blamed.Add(icmp.hop);
}

// Our own ARP requests: they were for the router where the target is not on a
// network of ours.
void BlameNextHop(const Scene& s, const IcmpFacts& icmp, Finding& f) {
  if (s.attempt.on_link.value_or(true)) return;
  f.blamed = HopList(Nearest(Network(s)));
  f.sentence << IcmpText(icmp).view()
             << ": this host's own word, and the target is on no network of "
                "ours: the router that is next does not answer ARP";
}

Finding IcmpOffender(const Scene& s) {
  Finding f;
  if (s.attempt.phase != AttemptPhase::kConnect || !s.attempt.icmp) return f;
  if (s.attempt.unix_socket) return f;
  const IcmpFacts& icmp = *s.attempt.icmp;
  switch (icmp.offender) {
    case Offender::kStranger:
      break;  // a router on the way; topology does not say which
    case Offender::kTarget:
      f.cleared = Network(s);
      f.blamed = HopList{Hop::kServer, Hop::kLb}.Only(s.path);
      f.sentence << IcmpText(icmp).view() << ": the target's own word";
      break;
    case Offender::kOurselves:
      if (s.fault == Fault::kConnectUnreachArp) {
        BlameNextHop(s, icmp, f);
        break;
      }
      f.blamed = {SelfHop(s.position)};
      f.sentence << IcmpText(icmp).view() << ": this host's own word";
      break;
    case Offender::kHop:
      BlameRouter(s, icmp, f);
      break;
  }
  return f;
}

Finding ToldOthers(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (!near.told_by.has_value() || !Fresh(near.told_age)) return f;
  if (!IsSilence(s.fault) || s.fault == Fault::kConnectUnreachArp) return f;
  if (s.attempt.unix_socket) return f;
  const Hop router = *near.told_by;
  if (near.told_no_neighbour) f.blamed = HopList(Next(s, router));
  f.blamed.Add(router);
  f.cleared = Nearer(s, router);
  f.sentence << HopName(router) << " told another attempt "
             << AgeSeconds(near.told_age) << " s ago that there is no way on"
             << (near.told_no_neighbour
                     ? ": its own route is dead, or the next hop does not "
                       "answer its ARP"
                     : ": it says so itself");
  return f;
}

// Whom a walk leaves that had its last answer from here.
HopList BlamedByWalk(const Scene& s, Hop last) {
  const SiblingFacts& near = s.attempt.siblings;
  if (near.walk_refused) return {last};
  if (near.walk_mute.has_value()) {
    HopList blamed{*near.walk_mute};
    blamed.Add(last);
    return blamed.Only(s.path);
  }
  if (near.walk_no_neighbour) {
    HopList blamed = HopList{Hop::kServer, Hop::kLb}.Only(s.path);
    if (last == Hop::kIsp) blamed = HopList{Hop::kTor}.Only(s.path);
    blamed.Add(last);
    return blamed;
  }
  HopList blamed;
  for (Hop hop : s.path) {
    if (Index(hop) <= Index(last)) continue;
    blamed.Add(hop);
    if (hop == Hop::kTor) break;  // it is a router and did not answer either
  }
  blamed.Add(last);
  return blamed;
}

std::string_view WalksEnd(const SiblingFacts& near) {
  if (near.walk_refused) return ": it says that its own way on is dead";
  if (near.walk_mute.has_value()) {
    return ": another walk had one from who comes next; it breaks between them";
  }
  if (near.walk_no_neighbour) return ": nobody behind it answers its ARP";
  return ": it breaks behind it, or there";
}

Finding PathWalk(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (!WalkIsFresh(near)) return f;
  if (!IsSilence(s.fault) || s.fault == Fault::kConnectUnreachArp) return f;
  if (s.attempt.unix_socket) return f;
  const Hop last = *near.walk_last;
  f.blamed = BlamedByWalk(s, last);
  f.cleared = Nearer(s, last);
  f.sentence << "a path walk " << AgeSeconds(near.walk_age)
             << " s ago had its last answer from " << HopName(last)
             << WalksEnd(near);
  return f;
}

// Who answers other walks, and nothing that goes to this address.
Finding PathWalkMute(const Scene& s) {
  Finding f;
  const SiblingFacts& near = s.attempt.siblings;
  if (!near.walk_mute.has_value() || near.walk_age > kFreshWalk) return f;
  if (near.walk_last.has_value() || s.attempt.unix_socket) return f;
  if (!IsSilence(s.fault) || !s.path.contains(*near.walk_mute)) return f;
  f.blamed = {*near.walk_mute};
  f.sentence << "a path walk " << AgeSeconds(near.walk_age)
             << " s ago got no answer at all, where "
             << HopName(*near.walk_mute)
             << " answered another: it swallows here";
  return f;
}

Finding NoRouteHere(const Scene& s) {
  Finding f;
  const int error = s.attempt.route_error;
  if (error == 0 || !IsSilence(s.fault) || s.attempt.unix_socket) return f;
  f.blamed = {SelfHop(s.position)};
  f.sentence << "our own kernel refuses a route to the address ("
             << ErrnoText(error).view() << "): nothing leaves this host";
  return f;
}

// What would show that the way still worked was not seen.
HopSet MissingFacts(const Scene& s) {
  const AttemptFacts& a = s.attempt;
  if (a.unix_socket || !Established(a)) return {};
  if (ResetAfterLongQuiet(a)) return s.path & HopSet{Hop::kTor};
  // Whether anyone took the request is not known: perhaps only a handshake.
  if (s.fault == Fault::kRespEmptyFin && !a.acked.has_value()) {
    return s.path & HopSet{Hop::kServer};
  }
  const bool silent =
      Timer(a) ||
      ((a.phase == AttemptPhase::kBody || a.phase == AttemptPhase::kTls) &&
       a.end == AttemptEnd::kErrno);
  if (!silent || WayWorked(s)) return {};
  if (s.fault == Fault::kWriteTimeoutUnacked) return {};
  return s.path & HopSet{Hop::kIsp, Hop::kTor, Hop::kServer};
}

// A name that led elsewhere a moment ago, to somebody who answered.
Doubt AddressMoved(const Scene& s) {
  Doubt doubt;
  const auto& age = s.attempt.moved;
  const bool unheard = s.attempt.phase == AttemptPhase::kConnect ||
                       s.attempt.phase == AttemptPhase::kTls;
  if (!age.has_value() || !unheard) return doubt;
  doubt.joined = {Hop::kDns};
  doubt.sentence << "the name leads to this address for " << AgeSeconds(*age)
                 << " s, nobody has answered here yet, and somebody did where "
                    "it led before";
  return doubt;
}

Doubt UnseenWay(const Scene& s) {
  Doubt doubt;
  doubt.joined = MissingFacts(s);
  doubt.sentence << "nothing was seen that shows the rest of the way to work";
  return doubt;
}

}  // namespace

const std::array<Doubt (*)(const Scene&), 4> kDoubts = {
    {UnseenWay, Interception, ClockSuspected, AddressMoved}};

const std::array<NamedRule, 31> kRules = {{
    {Rule::kFault, NothingLookedUp}, {Rule::kX3, RefusedByTarget},
    {Rule::kX4, Handshake},          {Rule::kX5, Acknowledged},
    {Rule::kX5, ProbeAnswered},      {Rule::kX5, Unacknowledged},
    {Rule::kX5, ProbesUnanswered},   {Rule::kX6, VerifiedPeer},
    {Rule::kX7, BytesCame},          {Rule::kX7, SegmentsBehindHole},
    {Rule::kX9, ReusedConnection},   {Rule::kX9, SiblingSameAddress},
    {Rule::kX9, SiblingFlows},       {Rule::kX9, SiblingFlowsSilent},
    {Rule::kX9, FarEndClosed},       {Rule::kX9, SiblingSameRack},
    {Rule::kX9, SiblingOtherRack},   {Rule::kX9, WholeRackSilent},
    {Rule::kX9, PolicyAgreed},       {Rule::kX10, IcmpOffender},
    {Rule::kX10, PathWalk},          {Rule::kX10, PathWalkMute},
    {Rule::kX12, AgreedBefore},      {Rule::kX9, AnsweredBetween},
    {Rule::kX12, ClockAgrees},       {Rule::kX12, BundleShared},
    {Rule::kX12, NoRouteHere},       {Rule::kX5, SegmentsBehindLoss},
    {Rule::kX9, HostForgot},         {Rule::kX9, FrontListens},
    {Rule::kX10, ToldOthers},
}};

}  // namespace whichhop::diagnostics
