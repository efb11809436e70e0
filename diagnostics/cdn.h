#pragma once
// A CDN before us that shows pages of its own in place of some of its origin's
// errors: which those are, and what is sent instead where the choice is ours.
// README.md has the sources.

#include <cstdint>
#include <string_view>

#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

enum class Cdn : uint8_t { kNone, kCloudflare };
std::string_view CdnName(Cdn cdn);  // "" for kNone

// Whether the visitor of such a status sees the CDN's page, whatever the body.
bool ShowsOwnPage(Cdn cdn, uint16_t status);

// A verdict takes a status whose body the visitor gets to see, and says so:
// 503 where no server has begun the request, else 500, for it may have been
// carried out. One that is not ours to choose (the upstream's own, or of a
// route's `respond`) keeps its status, and the evidence says what the visitor
// sees. Rows, fault and everything else stay.
void SendThrough(Cdn cdn, Verdict& verdict);

}  // namespace whichhop::diagnostics
