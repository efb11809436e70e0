#pragma once
// When what other hops say contradicts itself, the status, the time or the
// place that they stand at. One table: contradiction.cc.

#include <string_view>

#include "diagnostics/observation.h"
#include "diagnostics/testimony.h"

namespace whichhop::diagnostics {

// What does not fit, a literal for people; empty where all fits.
// Requires: seen.testimony is what `heard` was read from.
std::string_view ContradictionOf(const Observation& seen,
                                 const Testimony& heard);

}  // namespace whichhop::diagnostics
