#pragma once
// A relayed error: the upstream sent a well-formed 4xx, 5xx or 52x. Its rows
// give cause, reporter and cleared; what our own leg saw moves none of them.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// Requires: seen.kind is kRelayed. Cites the rows in verdict.evidence.
void DiagnoseRelayed(const Observation& seen, Verdict& verdict);

}  // namespace whichhop::diagnostics
