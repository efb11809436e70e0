#pragma once
// Names the fault of a failed upstream attempt from its facts alone, in an
// order in which look-alikes cannot swap: the ICMP error queue before errno
// before timers; a reused connection without a byte of an answer before any
// other ending.

#include "diagnostics/observation.h"

namespace whichhop::diagnostics {

// Requires: the attempt failed. Pure; every combination of facts has a fault.
[[nodiscard]] Fault Classify(const AttemptFacts& attempt);

// Whether the ICMP error says that there is no such host: a dead route, or a
// neighbour that does not answer.
[[nodiscard]] bool IsNoSuchHost(const IcmpFacts& icmp);

// Whether the sender of the ICMP error had to wait for the answer of a
// neighbour that never came. Requires: attempt.icmp.
[[nodiscard]] bool NoNeighbour(const AttemptFacts& attempt);

// The ICMP error came later than within a round trip of the first SYN.
[[nodiscard]] bool CameLate(const AttemptFacts& attempt);

// Nothing came back of what was sent, and nobody on the way said why: what
// another request hears from there meanwhile is news.
[[nodiscard]] bool IsSilence(Fault fault);

}  // namespace whichhop::diagnostics
