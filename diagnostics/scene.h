#pragma once
// What a rule looks at: a failed attempt and where it was made, and what its
// facts say of the way to the far end. Pure functions, shared by the rules.

#include "diagnostics/observation.h"

namespace whichhop::diagnostics {

struct Scene {
  const AttemptFacts& attempt;
  Fault fault;  // as classified
  Position position;
  Answers is;
  HopSet path;  // the leg behind us
};

// Whether something was seen "in the last seconds".
bool Fresh(const std::optional<Seconds>& age);

// The way from us to whoever ends our connection.
HopSet Network(const Scene& scene);

bool Established(const AttemptFacts& attempt);  // TCP's handshake is complete
bool Timer(const AttemptFacts& attempt);        // one of ours ended it

// A stateful firewall that forgot the flow may have sent this RST.
bool ResetAfterLongQuiet(const AttemptFacts& attempt);

// Segments behind a hole arrived and the hole stayed.
bool Gaps(const AttemptFacts& attempt);

// Segments of ours behind a lost one arrived, and the loss stayed.
bool LosesSome(const AttemptFacts& attempt);

// Keep-alive probes go unanswered: one lost is an accident, two are not.
bool SilentToProbes(const AttemptFacts& attempt);

// Whether the end itself shows that the way worked until then.
bool WayWorked(const Scene& scene);

}  // namespace whichhop::diagnostics
