// How the next of several servers is picked.

#include "proxy/upstream/balance.h"

#include <cmath>
#include <string>
#include <vector>

#include "proxy/base/ulid.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

using Servers = std::vector<Pickable>;

Servers Of(const std::vector<unsigned>& weights) {
  Servers servers;
  for (const unsigned weight : weights) {
    servers.push_back(
        {HashOf("server " + std::to_string(servers.size())), weight});
  }
  return servers;
}

uint64_t KeyOf(int client) { return HashOf(std::to_string(client)); }

// The share of each server, in a thousand of `count` picks.
template <typename Pick>
std::vector<int> Shares(size_t servers, int count, Pick pick) {
  std::vector<int> picked(servers);
  for (int i = 0; i < count; ++i) ++picked[pick(i)];
  for (int& share : picked) share = share * 1000 / count;
  return picked;
}

bool Near(int share, int expected) {
  return std::abs(share - expected) <= 15;  // of a thousand
}

TEST_CASE("nobody is picked if none is open") {
  Servers servers = Of({1, 2});
  for (Pickable& server : servers) server.open = false;
  CHECK(PickRoundRobin(servers) == 2);
  CHECK(PickLeastRequests(servers) == 2);
  CHECK(PickRandomTwo(servers, 1, 2) == 2);
  CHECK(PickByHash(servers, 7) == 2);
  Servers none;
  CHECK(PickByHash(none, 7) == 0);
}

TEST_CASE("whoever alone is open is picked, whatever its weight and load") {
  Servers servers = Of({1, 256, 1});
  servers[0].open = servers[1].open = false;
  servers[2].in_flight = 1000;
  Rng rng;
  for (int i = 0; i < 100; ++i) {
    CHECK(PickRoundRobin(servers) == 2);
    CHECK(PickLeastRequests(servers) == 2);
    CHECK(PickRandomTwo(servers, rng.Next(), rng.Next()) == 2);
    CHECK(PickByHash(servers, rng.Next()) == 2);
  }
}

TEST_CASE("a number below a bound is below it, and each comes up") {
  CHECK(Below(3, 0) == 0);
  CHECK(Below(3, ~uint64_t{0}) == 2);
  CHECK(Below(1, ~uint64_t{0}) == 0);
  CHECK(Below(2, uint64_t{1} << 63) == 1);
}

TEST_CASE("least requests: whoever has the fewest by weight") {
  Servers servers = Of({1, 1, 2});
  servers[0].in_flight = 3;
  servers[1].in_flight = 2;
  servers[2].in_flight = 5;
  CHECK(PickLeastRequests(servers) == 1);
  servers[1].in_flight = 3;
  CHECK(PickLeastRequests(servers) == 2);
}

TEST_CASE("least requests: with nothing in flight the weights are shares") {
  Servers servers = Of({1, 2, 5});
  const auto shares =
      Shares(3, 800, [&](int) { return PickLeastRequests(servers); });
  CHECK(shares == std::vector<int>{125, 250, 625});
}

TEST_CASE("least requests: what is in flight settles by weight") {
  Servers servers = Of({1, 2, 3});
  for (int i = 0; i < 600; ++i) ++servers[PickLeastRequests(servers)].in_flight;
  CHECK(servers[0].in_flight == 100);
  CHECK(servers[1].in_flight == 200);
  CHECK(servers[2].in_flight == 300);
}

TEST_CASE("random two: idle servers are drawn by weight") {
  Servers servers = Of({1, 2, 5});
  Rng rng;
  const auto shares = Shares(3, 100'000, [&](int) {
    return PickRandomTwo(servers, rng.Next(), rng.Next());
  });
  CHECK(Near(shares[0], 125));
  CHECK(Near(shares[1], 250));
  CHECK(Near(shares[2], 625));
}

TEST_CASE("random two: equals get equal shares") {
  Servers servers = Of({3, 3, 3, 3});
  Rng rng;
  const auto shares = Shares(4, 100'000, [&](int) {
    return PickRandomTwo(servers, rng.Next(), rng.Next());
  });
  for (const int share : shares) CHECK(Near(share, 250));
}

TEST_CASE("random two: the busiest is never picked, the idle one is of two") {
  Servers servers = Of({1, 1, 1});
  servers[1].in_flight = 10;
  Rng rng;
  const auto shares = Shares(3, 10'000, [&](int) {
    return PickRandomTwo(servers, rng.Next(), rng.Next());
  });
  CHECK(shares[1] == 0);
}

TEST_CASE("random two: what is in flight settles by weight") {
  Servers servers = Of({1, 2, 3});
  Rng rng;
  for (int i = 0; i < 6000; ++i) {
    ++servers[PickRandomTwo(servers, rng.Next(), rng.Next())].in_flight;
  }
  CHECK(Near(static_cast<int>(servers[0].in_flight) / 6, 1000 / 6));
  CHECK(Near(static_cast<int>(servers[2].in_flight) / 6, 3000 / 6));
}

TEST_CASE("hash: the same key finds the same server") {
  const Servers servers = Of({1, 1, 1, 1});
  for (int i = 0; i < 100; ++i) {
    CHECK(PickByHash(servers, KeyOf(i)) == PickByHash(servers, KeyOf(i)));
  }
}

TEST_CASE("hash: keys are spread by weight") {
  const Servers servers = Of({1, 2, 3, 4});
  const auto shares =
      Shares(4, 100'000, [&](int i) { return PickByHash(servers, KeyOf(i)); });
  for (int i = 0; i < 4; ++i) {
    CHECK(Near(shares[static_cast<size_t>(i)], 100 * (i + 1)));
  }
}

TEST_CASE("hash: the order of the servers does not matter") {
  const Servers servers = Of({1, 2, 3});
  const Servers turned{servers[2], servers[0], servers[1]};
  for (int i = 0; i < 1000; ++i) {
    const size_t here = PickByHash(servers, KeyOf(i));
    const size_t there = PickByHash(turned, KeyOf(i));
    CHECK(servers[here].seed == turned[there].seed);
  }
}

TEST_CASE("hash: if a server goes its keys alone move, and by weight") {
  const Servers servers = Of({1, 1, 2, 1});
  Servers left = servers;
  left[3].open = false;
  std::vector<int> moved(4);
  for (int i = 0; i < 50'000; ++i) {
    const size_t before = PickByHash(servers, KeyOf(i));
    const size_t after = PickByHash(left, KeyOf(i));
    if (before != 3) {
      CHECK(after == before);
    } else {
      ++moved[after];
    }
  }
  const int all = moved[0] + moved[1] + moved[2];
  CHECK(moved[3] == 0);
  CHECK(Near(all / 50, 200));
  CHECK(std::abs(moved[2] * 1000 / all - 500) < 30);
}

TEST_CASE("hash: a server that is new takes from all, and moves no other key") {
  const Servers servers = Of({1, 1, 1});
  const Servers more = Of({1, 1, 1, 1});
  int taken = 0;
  for (int i = 0; i < 20'000; ++i) {
    const size_t after = PickByHash(more, KeyOf(i));
    if (after == 3) {
      ++taken;
    } else {
      CHECK(after == PickByHash(servers, KeyOf(i)));
    }
  }
  CHECK(Near(taken / 20, 250));
}

}  // namespace
}  // namespace whichhop
