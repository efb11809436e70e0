#pragma once
// The heart: what was seen -> whose fault it is.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// Pure and deterministic; allocates nothing. Requires: for kRelayed a status
// of 400 to 599. The verdict refers to nothing of the observation.
[[nodiscard]] Verdict Diagnose(const Observation& seen);

}  // namespace whichhop::diagnostics
