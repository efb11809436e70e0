#pragma once
// Suspects of a fault, cut to the leg that failed and narrowed by what was
// seen: by rules (rules.h) on the way to an upstream, by the facts of the
// request on the client's side.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// Whom a fault may be due to, and who is known to have worked behind us.
struct Blame {
  HopList suspects;  // before anything narrowed them
  HopList cause;     // what is left; empty: unknown
  HopSet cleared;    // by rules
};

// The suspects of a fault, cut to its leg.
HopList SuspectsOf(Fault fault, Position position, HopSet path_behind);

// The leg behind us for this observation.
HopSet LegBehind(const Observation& seen);

// A failed attempt, or a probe that stands for one. Cites every rule that
// found something.
Blame NarrowAttempt(const Observation& seen, const AttemptFacts& attempt,
                    Fault fault, Evidence& evidence);

// A fault of the client's side, or a decision of ours.
Blame NarrowDecision(const Observation& seen, Evidence& evidence);

}  // namespace whichhop::diagnostics
