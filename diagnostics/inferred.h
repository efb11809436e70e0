#pragma once
// What the writer of a relayed error makes of its verdict, and what is told
// beside it. The bytes are the peer's, and may be forged: they name a hop
// behind us, or none.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// A generator that is named narrows the verdict to the open rows that it may
// have written, or moves it; what does not fit the place that we look at is
// told and moves nothing. Requires: the rows of the status were united.
void InferWriter(const Observation& seen, Verdict& verdict);

// Remarks: evidence that moves nothing.
void CiteRemarks(const Observation& seen, Verdict& verdict);

// "noncompliant-401, possible-mask"; empty where there is nothing to remark.
FixedText<64> Remarks(const Observation& seen);

}  // namespace whichhop::diagnostics
