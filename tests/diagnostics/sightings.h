#pragma once
// Observations by name, as a recorder would have made them: what the golden
// verdicts and the properties are about. Each sets only what was seen; the
// configuration is the caller's.

#include <string_view>
#include <vector>

#include "diagnostics/observation.h"

namespace whichhop::diagnostics {

struct Sighting {
  std::string_view name;
  void (*see)(Observation&);
};

// All of them, those of each file in its order.
const std::vector<Sighting>& AllSightings();

// Requires: a sighting of that name exists.
void See(std::string_view name, Observation& o);

}  // namespace whichhop::diagnostics
