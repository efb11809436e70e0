#pragma once
// Which marks' words a body has. All are looked for at once, and few octets of
// the body are looked at for it.

#include <string_view>

#include "diagnostics/fingerprint_marks.h"

namespace whichhop::diagnostics {

// Adds them to `found`. Time is linear in the body.
void FindWords(std::string_view body, MarkSet* found);

}  // namespace whichhop::diagnostics
