#pragma once
// What an error of RFC 9209 (section 2.3) means: whom the proxy that says it
// suspects. One table: error_meaning.cc.

#include "diagnostics/fault.h"
#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

// Likeliest first. `speakers`: who may have said it; of several the suspects
// of each. Empty for kNone.
HopList MeaningOf(ErrorType type, HopSet speakers);

}  // namespace whichhop::diagnostics
