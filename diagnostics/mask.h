#pragma once
// A masked error: the public is told of another status, with the whole story
// that belongs to it; the log and operators keep the truth.

#include <cstdint>

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// What the public is told: the verdict of a relayed error of the status
// `claimed`, of which nothing was seen but that. It depends on how this proxy
// is configured, and on nothing of the exchange: a masked error and a genuine
// one get the same. Requires: `claimed` is from 400 to 499.
[[nodiscard]] Verdict MaskedStory(const Observation& seen, uint16_t claimed);

// A true verdict takes the status that is sent in its place, and says so.
// Requires: verdict.status is not 0.
void Mask(uint16_t claimed, Verdict& verdict);

}  // namespace whichhop::diagnostics
