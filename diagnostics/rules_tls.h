#pragma once
// The rules and doubts that TLS gives rise to; rules.cc lists them with the
// others.

#include "diagnostics/rules.h"

namespace whichhop::diagnostics {

// X6: a verified handshake leaves nobody on the way who could have answered in
// the far end's place.
Finding VerifiedPeer(const Scene& scene);

// X9: another upstream agreed to the policy that this one did not agree to.
Finding PolicyAgreed(const Scene& scene);

// X12: our own clock agrees with those of other origins.
Finding AgreedBefore(const Scene& scene);
Finding ClockAgrees(const Scene& scene);

// X12: nobody that we trust has signed anybody: our bundle of CAs is what all
// of them share.
Finding BundleShared(const Scene& scene);

// No zone led to an upstream that is configured by its address.
Finding NothingLookedUp(const Scene& scene);

// Whether someone on the way may have answered in the far end's place: then
// nothing that was seen shows how far the way worked.
bool PerhapsIntercepted(const AttemptFacts& attempt, Fault fault);

// The way joins the suspects where that may be.
Doubt Interception(const Scene& scene);
// We do, where other certificates fail by their dates too.
Doubt ClockSuspected(const Scene& scene);

}  // namespace whichhop::diagnostics
