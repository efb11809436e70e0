#pragma once

// The vocabulary of URLs: one table of {path, what it does, handler}, from
// which requests are dispatched and the `/` page is written.

#include <string_view>

#include "bench/origin_exchange.h"

namespace origin {

// Answers `request` as if `target` had been asked for, blocking for as long as
// that answer takes. Never fails: an unknown path is a 404.
After Dispatch(Wire& wire, const Request& request, std::string_view target);

}  // namespace origin
