#pragma once
// What a probe found, for people.

#include <string>

#include "proxy/cli/probe_plan.h"

namespace whichhop {

// Appends to `out`: the steps with their times, the route, and the verdict with
// its evidence. Whatever came from the wire is escaped: no control character
// passes. Requires: `probe` has ended.
void AppendProbeText(const ProbePlan& plan, const OriginProbe& probe,
                     bool colour, std::string& out);

}  // namespace whichhop
