#include "diagnostics/narrow.h"

#include "diagnostics/classify_tls.h"
#include "diagnostics/describe.h"
#include "diagnostics/rules.h"
#include "diagnostics/tls_text.h"

namespace whichhop::diagnostics {
namespace {

constexpr HopSet kLegHops{Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kServer,
                          Hop::kApp};
// Of a request's path those that only carry packets.
constexpr HopSet kClientNetwork{Hop::kDevice, Hop::kRouter, Hop::kIsp,
                                Hop::kTor};
// A slot that is held longer is held by someone slow.
constexpr Micros kSlotHeld = Seconds(1);

constexpr HopSet Everyone() {
  HopSet all;
  for (size_t i = 0; i < kHopCount; ++i) all.Add(static_cast<Hop>(i));
  return all;
}

// Nothing left this host: no rule about the way has anything to say.
bool OursAlone(Fault fault) {
  const Suspects& listed = GetFault(fault).at_lb;
  return listed.self && listed.hops.size() == 1;
}

bool OnClientSide(Phase phase) {
  return phase == Phase::kRequest || phase == Phase::kRequestBody ||
         phase == Phase::kClient;
}

// What the rules found, added up.
struct Findings {
  HopSet cleared;
  HopList blamed;
  bool any_blame = false;  // then `blamed` may be empty: they contradict
};

void Merge(const Finding& finding, Findings& all) {
  all.cleared = all.cleared | finding.cleared;
  if (finding.blamed.empty()) return;
  all.blamed =
      all.any_blame ? all.blamed.Only(finding.blamed.set()) : finding.blamed;
  all.any_blame = true;
}

// They may leave the suspects, and are never listed as cleared.
HopSet Unclearable(Position position) { return {SelfHop(position), Hop::kDns}; }

Findings ApplyRules(const Scene& scene, Evidence& evidence) {
  Findings all;
  for (const NamedRule& rule : kRules) {
    const Finding finding = rule.apply(scene);
    if (!finding.found()) continue;
    Merge(finding, all);
    evidence.Begin(rule.rule, finding.cleared - Unclearable(scene.position),
                   finding.blamed.set());
    evidence << finding.sentence.view();
  }
  return all;
}

void AddDoubts(const Scene& scene, HopList& suspects, Evidence& evidence) {
  for (const auto& apply : kDoubts) {
    const Doubt doubt = apply(scene);
    const HopSet joined = doubt.joined - suspects.set();
    if (joined.empty()) continue;
    evidence.Begin(Rule::kUnknown, {}, joined);
    evidence << doubt.sentence.view();
    for (Hop hop : joined) suspects.Add(hop);
  }
}

// Takes the cleared out of the suspects. Evidence that would clear them all
// contradicts itself: the cause is unknown and none of them is cleared.
Blame Settle(const HopList& suspects, const Findings& found,
             Evidence& evidence) {
  Blame blame;
  blame.suspects = suspects;
  const HopList& set = found.any_blame ? found.blamed : suspects;
  blame.cause = set.Only(Everyone() - found.cleared);
  blame.cleared = found.cleared;
  if (!blame.cause.empty() || suspects.empty()) return blame;
  blame.cleared = found.cleared - suspects.set() - found.blamed.set();
  evidence.Begin(Rule::kUnknown, {}, {});
  evidence << "the evidence clears every suspect and so contradicts itself: "
              "the cause is unknown";
  return blame;
}

Blame Only(const HopList& suspects, HopSet keep) {
  return {suspects, suspects.Only(keep), {}};
}

// Whoever is merely slow answers the probes; one is lost by accident, two not.
bool CutOff(const RequestFacts& request) {
  return request.client_probes.value_or(0) >= 2;
}

Blame ByProbes(const Observation& seen, const HopList& suspects,
               Evidence& evidence) {
  evidence.Begin(Rule::kFault, {}, suspects.Only(kClientNetwork).set());
  evidence << "client connection: " << *seen.request.client_probes
           << " keep-alive probes in a row were not answered: its network";
  return Only(suspects, kClientNetwork);
}

// At a balancer a client that shows no certificate may be the CDN, or somebody
// who went around it.
Blame ByTrust(const Observation& seen, const HopList& suspects,
              Evidence& evidence) {
  const bool cdn =
      seen.position == Position::kLb && seen.request.by_trusted_proxy;
  if (!cdn) return Only(suspects, Everyone());
  evidence.Begin(Rule::kFault, {}, {Hop::kCdn});
  evidence << "the connection is one of trusted_proxies: the CDN opened it";
  return Only(suspects, {Hop::kCdn});
}

// Loss on the client's connection is its network's; none makes it slow itself.
Blame ByRetransmits(const Observation& seen, const HopList& suspects,
                    Evidence& evidence) {
  if (CutOff(seen.request)) return ByProbes(seen, suspects, evidence);
  const std::optional<uint32_t>& lost = seen.request.client_retransmits;
  if (!lost.has_value()) return Only(suspects, Everyone());
  const HopSet keep = *lost > 0 ? kClientNetwork : HopSet{Hop::kBrowser};
  evidence.Begin(Rule::kFault, {}, suspects.Only(keep).set());
  evidence << "client connection: " << *lost << " retransmissions"
           << (*lost > 0 ? ": its network" : ": the client itself is slow");
  return Only(suspects, keep);
}

Blame BySlowReader(const Observation& seen, const HopList& suspects,
                   Evidence& evidence) {
  if (!seen.request.client_window_closed.has_value()) {
    return Only(suspects, Everyone());
  }
  const bool closed = *seen.request.client_window_closed;
  const HopSet keep = closed ? HopSet{Hop::kBrowser} : kClientNetwork;
  evidence.Begin(Rule::kFault, {}, suspects.Only(keep).set());
  evidence << (closed ? "the client's window is closed: it does not read"
                      : "the client's window is open: its network is slow");
  return Only(suspects, keep);
}

// Whoever wrote the largest field made the head too large.
Blame ByLargestField(const Observation& seen, const HopList& suspects,
                     Evidence& evidence) {
  HopSet keep = Everyone();
  const HopSet clients{Hop::kBrowser, Hop::kBrowserApp};
  switch (WriterOf(seen.request.biggest_field)) {
    case FieldWriter::kUnknown:
      return Only(suspects, keep);
    case FieldWriter::kClient:
      keep = clients;
      break;
    case FieldWriter::kMiddles:
      keep = keep - clients;
      break;
  }
  evidence.Begin(Rule::kFault, {}, suspects.Only(keep).set());
  evidence << seen.request.biggest_field
           << (keep == clients ? " is written by the client"
                               : " is appended by hops on the way");
  return Only(suspects, keep);
}

// Whose certificate a client distrusts, it says by its alert; where ours has
// expired, nobody needs to be asked.
Blame ByClientAlert(const Observation& seen, const HopList& suspects,
                    Evidence& evidence) {
  if (!seen.request.tls.has_value()) return Only(suspects, Everyone());
  const ClientTlsFacts& tls = *seen.request.tls;
  const uint8_t alert = tls.alert_received.value_or(0);
  if (alert < 42 || alert > 48 || alert == 47) {
    return Only(suspects, Everyone());
  }
  const HopSet self{SelfHop(seen.position)};
  const bool expired = OwnCertificateExpired(tls);
  const HopSet keep = expired ? self : self | HopSet{Hop::kBrowser};
  evidence.Begin(Rule::kFault, {}, suspects.Only(keep).set());
  evidence << "the client does not accept our certificate ("
           << AlertText(alert).view() << ")";
  if (expired) evidence << ", which has expired";
  return Only(suspects, keep);
}

// Whether a proxy that speaks for itself has these to itself: had the server
// behind it refused, been silent or gone, it would have answered and said so.
bool EndsAtProxy(Fault fault) {
  switch (fault) {
    case Fault::kWriteTimeoutUnacked:
    case Fault::kRespPathLost:
    case Fault::kRespEmptyFin:
    case Fault::kRespRst:
      return true;
    default: {
      const Phase phase = GetFault(fault).phase;
      return phase == Phase::kConnect || phase == Phase::kTls;
    }
  }
}

// The leg that this fault was met on.
HopSet LegOf(const Observation& seen, Fault fault, Evidence& evidence) {
  const HopSet leg = LegBehind(seen);
  const bool proxy = seen.is == Answers::kLb || seen.is == Answers::kServer;
  if (!seen.believe || !proxy || !EndsAtProxy(fault)) return leg;
  const HopSet beyond = seen.is == Answers::kLb
                            ? HopSet{Hop::kServer, Hop::kApp}
                            : HopSet{Hop::kApp};
  const HopList suspects = SuspectsOf(fault, seen.position, leg);
  if ((suspects.set() & beyond).empty()) return leg - beyond;
  evidence.Begin(Rule::kFault, {}, suspects.Only(Everyone() - beyond).set());
  evidence << "a proxy that speaks for itself answers there: what lies behind "
              "it took no part";
  return leg - beyond;
}

// Every slot is taken: by a slow upstream, or is our limit too low?
Blame BySlots(const Observation& seen, const HopList& suspects,
              Evidence& evidence) {
  const DecisionFacts& d = seen.decision;
  if (d.in_flight == 0) return Only(suspects, Everyone());
  const HopSet self{SelfHop(seen.position)};
  const auto oldest = DurationText(d.oldest_in_flight);
  if (d.oldest_in_flight < kSlotHeld || d.in_flight_answered) {
    evidence.Begin(Rule::kFault, {}, self);
    evidence << "answers keep coming, the oldest of " << d.in_flight
             << " requests is " << oldest.view()
             << " old: our limit is too low";
    return Only(HopList(self), self);
  }
  if (!d.in_flight_acked) {
    evidence.Begin(Rule::kUnknown, {}, suspects.set());
    evidence << "of " << d.in_flight << " requests in flight, the oldest for "
             << oldest.view()
             << ", not all are acknowledged: who holds them is not shown";
    return Only(suspects, Everyone());
  }
  Findings found;
  found.cleared = LegBehind(seen) & HopSet{Hop::kIsp, Hop::kTor};
  found.blamed = HopList{Hop::kApp, Hop::kLb}.Only(LegBehind(seen));
  found.any_blame = true;
  evidence.Begin(Rule::kX5, found.cleared, found.blamed.set());
  evidence << "all " << d.in_flight
           << " requests in flight are acknowledged and unanswered, the oldest "
              "for "
           << oldest.view() << ": the upstream holds every slot";
  return Settle(suspects, found, evidence);
}

// Where nothing is looked up, no zone can have led the request back to us.
Blame ByLookup(const Observation& seen, const HopList& suspects,
               Evidence& evidence) {
  if (!seen.decision.by_address) return Only(suspects, Everyone());
  evidence.Begin(Rule::kFault, {}, {SelfHop(seen.position)});
  evidence << "the upstream is configured by address: no lookup led here";
  return Only(suspects, {SelfHop(seen.position)});
}

// How a probe's handshake of TLS ended that came to this fault.
AttemptEnd HandshakeEnd(Fault fault) {
  switch (fault) {
    case Fault::kTlsTimeout:
      return AttemptEnd::kTimeout;
    case Fault::kTlsRst:
      return AttemptEnd::kReset;
    case Fault::kTlsEof:
      return AttemptEnd::kFin;
    default:  // it was answered, by something in TLS or instead of it
      return AttemptEnd::kTls;
  }
}

// The last probe speaks for the servers that are out.
Blame ByProbe(const Observation& seen, const HopList& suspects,
              Evidence& evidence) {
  const DecisionFacts& d = seen.decision;
  if (d.probe_got_through) {
    Findings found;
    found.cleared = LegBehind(seen) & HopSet{Hop::kIsp, Hop::kTor};
    evidence.Begin(Rule::kX5, found.cleared, {});
    evidence << "the last probe's request got through: the way is there";
    return Settle(
        d.last_probe.has_value()
            ? SuspectsOf(*d.last_probe, seen.position, LegBehind(seen))
            : suspects,
        found, evidence);
  }
  if (!d.last_probe.has_value()) return Only(suspects, Everyone());
  AttemptFacts probe;
  probe.phase = AttemptPhase::kConnect;
  if (GetFault(*d.last_probe).phase == Phase::kTls) {
    probe.phase = AttemptPhase::kTls;
    probe.end = HandshakeEnd(*d.last_probe);
  }
  probe.connect = d.probe_connect.value_or(Micros(0));
  if (d.probe_connect.has_value()) probe.peer_min_rtt = d.probe_peer_rtt;
  if (d.probe_icmp.has_value()) {
    probe.end = AttemptEnd::kErrno;
    probe.icmp = d.probe_icmp;
  }
  probe.siblings = d.probe_siblings;
  return NarrowAttempt(seen, probe, *d.last_probe, evidence);
}

}  // namespace

HopSet LegBehind(const Observation& seen) {
  if (seen.attempt.unix_socket) return {Hop::kServer, Hop::kApp};
  return PathBehind(seen.position, seen.is);
}

HopList SuspectsOf(Fault fault, Position position, HopSet path_behind) {
  const FaultInfo& info = GetFault(fault);
  const Suspects& listed = position == Position::kLb ? info.at_lb : info.at_cdn;
  HopSet keep = OnClientSide(info.phase)
                    ? PathBefore(position)
                    : (Everyone() - kLegHops) | path_behind;
  if (listed.self) keep.Add(SelfHop(position));
  HopList suspects = listed.hops.Only(keep);
  // Where no balancer stands, the app may end TLS itself.
  const bool behind = listed.hops.contains(Hop::kServer);
  if (IsOfTls(fault) && behind && !path_behind.contains(Hop::kLb) &&
      path_behind.contains(Hop::kApp)) {
    suspects.Add(Hop::kApp);
  }
  return suspects;
}

Blame NarrowAttempt(const Observation& seen, const AttemptFacts& attempt,
                    Fault fault, Evidence& evidence) {
  const HopSet path = LegOf(seen, fault, evidence);
  HopList suspects = SuspectsOf(fault, seen.position, path);
  const Phase phase = GetFault(fault).phase;
  if (phase == Phase::kDns) {
    const bool resolved = attempt.resolved_before.has_value();
    if (!resolved) return Only(suspects, Everyone());
    evidence.Begin(Rule::kFault, {}, {Hop::kDns});
    evidence << "the name had an address "
             << AgeSeconds(*attempt.resolved_before)
             << " s ago: no typo of ours";
    return Only(suspects, {Hop::kDns});
  }
  if (OursAlone(fault)) return Only(suspects, Everyone());
  const Scene scene{attempt, fault, seen.position, seen.is, path};
  AddDoubts(scene, suspects, evidence);
  Findings found = ApplyRules(scene, evidence);
  // No rule about the way tells whether it is the right one.
  if (found.any_blame && attempt.moved && suspects.contains(Hop::kDns)) {
    found.blamed.Add(Hop::kDns);
  }
  return Settle(suspects, found, evidence);
}

Blame NarrowDecision(const Observation& seen, Evidence& evidence) {
  const HopList suspects =
      SuspectsOf(seen.fault, seen.position, LegBehind(seen));
  switch (seen.fault) {
    case Fault::kReqHeadTimeout:
    case Fault::kReqbodyTimeout:
      return ByRetransmits(seen, suspects, evidence);
    case Fault::kCtlsClientCert:
      return ByTrust(seen, suspects, evidence);
    case Fault::kCtlsAbort:
      return ByClientAlert(seen, suspects, evidence);
    case Fault::kClientSlowReader:
      return BySlowReader(seen, suspects, evidence);
    case Fault::kReqHeadTooLarge:
      return ByLargestField(seen, suspects, evidence);
    case Fault::kBackendConnLimit:
    case Fault::kBackendQueueTimeout:
      return BySlots(seen, suspects, evidence);
    case Fault::kLoopDetected:
      return ByLookup(seen, suspects, evidence);
    case Fault::kBackendAllDown:
      return ByProbe(seen, suspects, evidence);
    default:  // the table's suspects stand as they are
      return Only(suspects, Everyone());
  }
}

}  // namespace whichhop::diagnostics
