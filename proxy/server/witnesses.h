#pragma once
// What others know of an attempt that has just failed: siblings, and walks
// along the path. A request that failed asks, and a health probe.

#include "proxy/server/path_walks.h"
#include "proxy/server/recorder.h"
#include "proxy/server/siblings.h"

namespace whichhop {

// Adds to `facts`. A walk there may begin, and what a router said to this very
// attempt is remembered, which `recorder` has: later verdicts hear of both.
// `walks`: null: there are none.
void AskWitnesses(Generation& generation, PathWalks* walks,
                  const Recorder& recorder, const Failed& failed,
                  diagnostics::SiblingFacts* facts);

// The address takes connections: what its way looks like then, walks of a worse
// day are compared with. Once an hour; else it costs one load.
void NoteGoodTimes(Generation& generation, PathWalks* walks,
                   const Address& address, AddressMemory* memory, Time now);

}  // namespace whichhop
