#include "diagnostics/claim.h"

#include "diagnostics/contradiction.h"
#include "diagnostics/error_meaning.h"

namespace whichhop::diagnostics {
namespace {

// Who may speak to us: a proxy, unless it is the app that answers.
HopSet SpeakersInFront(const Observation& seen) {
  switch (seen.is) {
    case Answers::kLb:
      return {Hop::kLb};
    case Answers::kServer:
      return {Hop::kServer};
    case Answers::kApp:
      return {Hop::kApp};
    case Answers::kUnset:
      break;
  }
  if (seen.position == Position::kLb) return {Hop::kServer};
  return {Hop::kLb, Hop::kServer};
}

// Who may stand behind them.
HopSet SpeakersInside(const Observation& seen) {
  if (BalancerBehind(seen.position, seen.is)) return {Hop::kServer, Hop::kApp};
  return {Hop::kApp};
}

// A proxy that made the response itself: the innermost is the first.
const ProxyMember* FirstError(const Testimony& heard) {
  for (const ProxyMember& member : heard.Counting()) {
    if (member.has_error) return &member;
  }
  return nullptr;
}

bool PassedOn(const Testimony& heard) {
  const ProxyMember* const last = heard.Outermost();
  const bool relayed =
      last != nullptr && !last->has_error && last->received_status != 0;
  return relayed || heard.passed_on;
}

Claim FromError(const Observation& seen, ErrorType type, bool outermost) {
  const HopSet speakers =
      outermost ? SpeakersInFront(seen) : SpeakersInside(seen);
  Claim claim;
  claim.cause = MeaningOf(type, speakers);
  claim.reporter = speakers;
  return claim;
}

// Names of hops come before an error, which only hints at them: the proxy that
// wrote them knew of it. One of our kind that names none knows of none.
Claim ReadClaim(const Observation& seen, const Testimony& heard) {
  Claim claim;
  if (!heard.cause.empty()) {
    claim.cause = heard.cause;
    claim.reporter = heard.reporter.set();
    claim.rows = heard.rows;
    return claim;
  }
  if (heard.weighed()) return claim;
  const ProxyMember* const error = FirstError(heard);
  if (error != nullptr && error->error != ErrorType::kNone) {
    return FromError(seen, error->error, error == heard.Outermost());
  }
  if (heard.vendor_error != ErrorType::kNone) {
    return FromError(seen, heard.vendor_error, true);
  }
  if (heard.by_app) claim.reporter = {Hop::kApp};
  claim.passed_on = error == nullptr && PassedOn(heard);
  return claim;
}

Claim Nothing(Hearing hearing, std::string_view why) {
  Claim claim;
  claim.hearing = hearing;
  claim.why = why;
  return claim;
}

// A peer's own words, of which there may be any number.
std::string_view Short(std::string_view said) {
  return said.substr(0, CutLength(said, 80));
}

void CiteMember(const ProxyMember& member, Evidence& evidence) {
  evidence << Short(member.name);
  if (member.has_error) evidence << " says error=" << Short(member.error_text);
  if (member.received_status != 0) {
    evidence << " received " << member.received_status;
  }
  for (const MemberParameter& parameter : member.parameters) {
    if (parameter.key.empty()) continue;
    evidence << " " << parameter.key << "=" << Short(parameter.value);
  }
  if (!member.details.empty()) evidence << " " << Short(member.details);
}

// What was said, the part that counts.
void CiteSaid(const Testimony& heard, Evidence& evidence) {
  const ProxyMember* const error = FirstError(heard);
  if (!heard.cause.empty()) {
    evidence << "Error-Cause";
    for (Hop hop : heard.cause) evidence << " " << HopName(hop);
    if (!heard.fault.empty()) evidence << ", fault " << Short(heard.fault);
    if (!heard.basis.empty())
      evidence << ", " << Short(heard.basis) << " there";
  } else if (error != nullptr) {
    CiteMember(*error, evidence);
  } else if (!heard.vendor.empty()) {
    evidence << Short(heard.vendor);
  } else if (heard.member_count > 0) {
    CiteMember(*heard.Outermost(), evidence);
  } else {
    evidence << "no cause";
  }
}

void CiteAside(const Testimony& heard, Evidence& evidence) {
  if (!heard.no_hop.empty()) evidence << "; no hop is " << Short(heard.no_hop);
  if (heard.members_left_out > 0) {
    evidence << "; " << uint64_t{heard.members_left_out}
             << " members of Proxy-Status left out";
  }
  if (!heard.via.empty()) evidence << "; via " << Short(heard.via);
  if (!heard.timing.empty()) evidence << "; timing " << Short(heard.timing);
}

}  // namespace

Claim Weigh(const Observation& seen, const Testimony& heard) {
  if (!seen.believe) return Nothing(Hearing::kIgnored, "believe: false");
  const std::string_view contradiction = ContradictionOf(seen, heard);
  if (!contradiction.empty()) {
    return Nothing(Hearing::kQuarantined, contradiction);
  }
  Claim claim = ReadClaim(seen, heard);
  const bool says =
      !claim.cause.empty() || !claim.reporter.empty() || claim.passed_on;
  if (!says) return Nothing(Hearing::kIgnored, "nothing of the cause");
  claim.hearing = Hearing::kBelieved;
  return claim;
}

void CiteClaim(const Claim& claim, const Testimony& heard, Evidence& evidence) {
  evidence.Begin(Rule::kClaim, {}, claim.cause.set());
  evidence << "the upstream says: ";
  CiteSaid(heard, evidence);
  evidence << ": " << HearingName(claim.hearing);
  if (!claim.why.empty()) evidence << " (" << claim.why << ")";
  CiteAside(heard, evidence);
}

}  // namespace whichhop::diagnostics
