#pragma once
// What others know of an attempt that has just failed: siblings, and walks
// along the path. A request that failed asks, and a health probe.

#include "proxy/server/path_walks.h"
#include "proxy/server/siblings.h"

namespace whichhop {

// Adds to `facts`. A walk there may begin, which later verdicts hear of.
// `walks`: null: there are none.
void AskWitnesses(Generation& generation, PathWalks* walks,
                  const Failed& failed, diagnostics::SiblingFacts* facts);

}  // namespace whichhop
