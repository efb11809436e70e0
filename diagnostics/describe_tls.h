#pragma once
// The facts of TLS in one line, for operators.

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// "certificate expired 2 days ago (notAfter 2026-11-20), depth 0, subject
// CN=app.internal". Requires: IsOfTls(fault).
FixedText<160> DescribeTls(const AttemptFacts& attempt, Fault fault);

// "alert 48 (unknown_ca) received after 517 bytes, SNI shop.example". Empty
// where the fault is none of TLS.
FixedText<160> DescribeClientTls(const ClientTlsFacts& tls, Fault fault);

}  // namespace whichhop::diagnostics
