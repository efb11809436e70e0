#pragma once
// What a path walk says, to a diagnosis and to operators.

#include <memory>
#include <string>
#include <vector>

#include "diagnostics/observation.h"
#include "proxy/net/path_walk.h"
#include "proxy/server/config.h"

namespace whichhop {

// Adds what the walk says of its target's way, if `topology` knows the last
// that answered: else it names no hop of ours. Who was reached at last is no
// witness of what was broken before. `next`: who should have come next.
void AddWalk(const PathReport& report, const std::optional<Address>& next,
             const std::vector<TopologyConfig>& topology, Time now,
             diagnostics::SiblingFacts* facts);

// The walk's hops, as a JSON array.
void AppendPathHops(const PathReport& report,
                    const std::vector<TopologyConfig>& topology,
                    std::string& out);

// As a JSON array, for the admin listener.
void AppendWalks(const std::vector<std::shared_ptr<const PathReport>>& reports,
                 const std::vector<TopologyConfig>& topology, Time now,
                 std::string& out);

}  // namespace whichhop
