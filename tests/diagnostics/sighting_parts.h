#pragma once
// What sightings are made of: the parts that several files of them share.

#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {

// Adds it to AllSightings().
bool Register(const Sighting& sighting);

// Defines a sighting and adds it to the list under its name.
#define SIGHTING(name)                                                     \
  void name(Observation& o);                                               \
  [[maybe_unused]] const bool registered_##name = Register({#name, name}); \
  void name([[maybe_unused]] Observation& o)

void Decide(Observation& o, Fault fault);

AttemptFacts& Attempt(Observation& o, AttemptPhase phase, AttemptEnd end);

// TCP's handshake is done, 300 request bytes are written and acknowledged.
AttemptFacts& Sent(Observation& o, AttemptPhase phase, AttemptEnd end);

// And so many bytes of an answer came.
AttemptFacts& Answered(Observation& o, AttemptPhase phase, AttemptEnd end,
                       uint64_t received);

// 2 bytes of the body among them, of 100 where it has a length.
AttemptFacts& InBody(Observation& o, AttemptEnd end, BodyFraming framing);

}  // namespace whichhop::diagnostics
