#pragma once
// The named rules that narrow a fault's suspects. Each is a pure function of
// the facts that blames or clears hops behind us and says why; none reads the
// result of another, so their order does not matter.

#include <array>

#include "diagnostics/observation.h"
#include "diagnostics/verdict.h"

namespace whichhop::diagnostics {

// What a rule may look at.
struct Scene {
  const AttemptFacts& attempt;
  Fault fault;  // as classified
  Position position;
  Answers is;
  HopSet path;  // the leg behind us
};

struct Finding {
  HopSet cleared;  // known to have worked
  HopList blamed;  // if any: these alone are suspects
  bool found() const { return !cleared.empty() || !blamed.empty(); }
};

struct NamedRule {
  Rule rule;
  Finding (*apply)(const Scene&);
  // Adds the sentence for a finding to evidence that was begun for it.
  void (*cite)(const Scene&, Evidence&);
};

extern const std::array<NamedRule, 13> kRules;

}  // namespace whichhop::diagnostics
