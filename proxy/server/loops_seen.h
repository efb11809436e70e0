#pragma once
// The loops that this process has refused just now. A request that comes back
// is refused on its second way through, and that answer is relayed on its
// first: there it would look like any upstream's 502. It is known by its
// X-Request-Id, which both ways have in common. Process-wide and lock-free: the
// two ways may be two workers'. Bounded: of two loops that fall into one of its
// places the older is forgotten, and relayed as a 502.

#include <string_view>

#include "proxy/base/clock.h"

namespace whichhop {

void NoteLoop(std::string_view request_id, Time now);

// Whether one was noted within the last seconds, which it takes away.
bool TakeLoop(std::string_view request_id, Time now);

}  // namespace whichhop
