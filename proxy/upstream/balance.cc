#include "proxy/upstream/balance.h"

#include <xxhash.h>

#include <cmath>
#include <limits>

namespace whichhop {

namespace {

// Whether `a` has less to do by its weight than `b`. Idle ones have alike, or
// the heaviest would get all of a light load.
bool LessBusy(const Pickable& a, const Pickable& b) {
  return uint64_t{a.in_flight} * b.weight < uint64_t{b.in_flight} * a.weight;
}

// The open server, but for `skipped`, at `at` of the sum of the weights.
size_t AtWeight(const std::vector<Pickable>& servers, size_t skipped,
                uint64_t at) {
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i].open || i == skipped) continue;
    if (at < servers[i].weight) return i;
    at -= servers[i].weight;
  }
  return servers.size();
}

uint64_t OpenWeight(const std::vector<Pickable>& servers) {
  uint64_t sum = 0;
  for (const Pickable& server : servers) {
    if (server.open) sum += server.weight;
  }
  return sum;
}

// Smooth weighted round robin among those that `takes_part` picks: all earn
// their weight, and whoever has most pays what all earned.
template <typename Condition>
size_t TakeTurn(std::vector<Pickable>& servers, Condition takes_part) {
  size_t best = servers.size();
  int64_t total = 0;
  for (size_t i = 0; i < servers.size(); ++i) {
    Pickable& server = servers[i];
    if (!server.open || !takes_part(server)) continue;
    total += server.weight;
    server.credit += server.weight;
    if (best == servers.size() || server.credit > servers[best].credit) {
      best = i;
    }
  }
  if (best < servers.size()) servers[best].credit -= total;
  return best;
}

}  // namespace

uint64_t HashOf(std::string_view bytes, uint64_t seed) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), seed);
}

// The high half of the product: no division, and no bias that matters here.
uint64_t Below(uint64_t bound, uint64_t random) {
  return (random >> 32) * bound >> 32;
}

size_t PickRoundRobin(std::vector<Pickable>& servers) {
  return TakeTurn(servers, [](const Pickable&) { return true; });
}

size_t PickLeastRequests(std::vector<Pickable>& servers) {
  const Pickable* least = nullptr;
  for (const Pickable& server : servers) {
    if (!server.open) continue;
    if (least == nullptr || LessBusy(server, *least)) least = &server;
  }
  return TakeTurn(servers, [least](const Pickable& server) {
    return !LessBusy(*least, server);
  });
}

size_t PickRandomTwo(const std::vector<Pickable>& servers, uint64_t random,
                     uint64_t random_too) {
  const size_t none = servers.size();
  const uint64_t all = OpenWeight(servers);
  if (all == 0) return none;
  const size_t one = AtWeight(servers, none, Below(all, random));
  const uint64_t rest = all - servers[one].weight;
  if (rest == 0) return one;
  const size_t other = AtWeight(servers, one, Below(rest, random_too));
  return LessBusy(servers[other], servers[one]) ? other : one;
}

size_t PickByHash(const std::vector<Pickable>& servers, uint64_t key) {
  size_t best = servers.size();
  double highest = -std::numeric_limits<double>::infinity();
  for (size_t i = 0; i < servers.size(); ++i) {
    if (!servers[i].open) continue;
    const std::string_view bytes(reinterpret_cast<const char*>(&key),
                                 sizeof(key));
    // In (0, 1): 53 bits, as many as a double has.
    const double drawn =
        (static_cast<double>(HashOf(bytes, servers[i].seed) >> 11) + 0.5) *
        0x1p-53;
    // The first of exponentially distributed times, whose rates are weights.
    const double score = std::log(drawn) / servers[i].weight;
    if (score > highest) {
      highest = score;
      best = i;
    }
  }
  return best;
}

}  // namespace whichhop
