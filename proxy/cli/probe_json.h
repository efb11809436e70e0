#pragma once
// What a probe found, for programs.

#include <string>

#include "proxy/cli/probe_plan.h"

namespace whichhop {

// Appends one JSON object and a line end. `verdict` has the members of the body
// of an error. Requires: `probe` has ended.
void AppendProbeJson(const ProbePlan& plan, const OriginProbe& probe,
                     std::string& out);

}  // namespace whichhop
