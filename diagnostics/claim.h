#pragma once
// What counts of what other hops say: from an upstream that is believed, the
// innermost claim about the cause, unless it contradicts what is known.

#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/testimony.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

struct Claim {
  Hearing hearing = Hearing::kIgnored;
  std::string_view why;    // kIgnored, kQuarantined: a literal
  HopList cause;           // likeliest first; empty: it does not say
  HopSet reporter;         // who made the answer; empty: so
  RowSet rows;             // that it names; empty: so
  bool passed_on = false;  // who answered us did not make the answer
};

// Requires: seen.kind is kRelayed. A claim that is not believed is empty.
Claim Weigh(const Observation& seen, const Testimony& heard);

// Cites what was said and what became of it.
void CiteClaim(const Claim& claim, const Testimony& heard, Evidence& evidence);

}  // namespace whichhop::diagnostics
