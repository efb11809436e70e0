#pragma once
// Whether a server of an upstream is sent requests, as the whole process sees
// it. The one place that metrics ask.

#include "proxy/server/config.h"

namespace whichhop {

// Every server that is configured is: nothing takes one out for good. A worker
// that could not connect just now leaves it alone for a second, as its own
// choice.
inline bool IsUp(const UpstreamConfig&, const ServerConfig&) { return true; }

}  // namespace whichhop
