#include "diagnostics/hop.h"

namespace whichhop::diagnostics {

static_assert(kHopTexts.size() == Index(Hop::kTeapot) + 1);
static_assert(HopName(Hop::kImageHost) == "image-host");
static_assert(HopName(Hop::kAuth) == "auth");

}  // namespace whichhop::diagnostics
