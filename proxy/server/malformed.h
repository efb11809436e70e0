#pragma once
// What a diagnosis calls a rule of HTTP that an answer broke.

#include "diagnostics/observation.h"
#include "proxy/http/parse_rule.h"

namespace whichhop {

// Requires: `kind` is a class of responses.
diagnostics::Malformed MalformedOf(RuleClass kind);

}  // namespace whichhop
