#pragma once
// The named rules that narrow a fault's suspects. Each is a pure function of
// the facts that blames or clears hops behind us and says why; none reads the
// result of another, so their order does not matter.

#include <array>

#include "diagnostics/scene.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

struct Finding {
  HopSet cleared;           // known to have worked
  HopList blamed;           // if any: these alone are suspects
  FixedText<200> sentence;  // what was seen, and what it shows
  bool found() const { return !cleared.empty() || !blamed.empty(); }
};

struct NamedRule {
  Rule rule;
  Finding (*apply)(const Scene&);
};

extern const std::array<NamedRule, 31> kRules;

// Suspects that join those of the fault: because a fact is missing that would
// have shown that the way still worked, or because something else is amiss.
struct Doubt {
  HopSet joined;
  FixedText<200> sentence;  // why
};

extern const std::array<Doubt (*)(const Scene&), 4> kDoubts;

}  // namespace whichhop::diagnostics
