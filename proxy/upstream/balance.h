#pragma once
// How the next of several servers is picked: pure functions of what is known
// of them. No clock, no socket.

#include <cstdint>
#include <string_view>
#include <vector>

namespace whichhop {

enum class Balance : uint8_t {
  kRoundRobin,     // smooth and weighted: each its share, and never a burst
  kLeastRequests,  // the fewest in flight by weight; ties take turns
  kRandomTwo,      // of two that are drawn by weight, the less busy one
  kHash,           // the same server for the same key, while it is there
};

// A server, as those who pick see it.
struct Pickable {
  uint64_t seed = 0;  // for kHash: of its address, whatever its place
  unsigned weight = 1;
  uint32_t in_flight = 0;  // its requests
  bool open = true;        // it may be picked
  int64_t credit = 0;      // of the picker
};

// What `bytes` hash to (XXH3).
uint64_t HashOf(std::string_view bytes, uint64_t seed = 0);

// A number below `bound`, from `random`.
uint64_t Below(uint64_t bound, uint64_t random);

// Each returns the index of one that is open, or servers.size() if none is.
// Weights are shares: of two servers, that of weight 2 gets twice as much.
size_t PickRoundRobin(std::vector<Pickable>& servers);
size_t PickLeastRequests(std::vector<Pickable>& servers);
// `random`: two independent numbers.
size_t PickRandomTwo(const std::vector<Pickable>& servers, uint64_t random,
                     uint64_t random_too);
// Weighted rendezvous hashing: each server draws a number for the key, and the
// highest wins. If one goes, its keys alone move, to all others by weight; if
// it comes back, they return.
size_t PickByHash(const std::vector<Pickable>& servers, uint64_t key);

}  // namespace whichhop
