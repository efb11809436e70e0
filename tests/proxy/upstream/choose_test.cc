// Which server of an upstream is next.

#include <map>
#include <string>
#include <vector>

#include "proxy/upstream/upstream.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

using Names = std::vector<std::pair<const char*, unsigned>>;  // and weights

std::vector<Endpoint::Spec> Specs(const Names& servers) {
  std::vector<Endpoint::Spec> specs;
  for (const auto& [name, weight] : servers) {
    specs.push_back({{}, name, weight});
  }
  return specs;
}

// An upstream whose servers' texts are their names.
struct Servers {
  explicit Servers(const Names& servers, unsigned retry_percent = 20)
      : upstream(loop, "u", Specs(servers), With(retry_percent)) {}

  static Upstream::Options With(unsigned retry_percent) {
    Upstream::Options options;
    options.idle_timeout = std::chrono::seconds(4);
    options.retry_percent = retry_percent;
    return options;
  }
  const Endpoint* Choose() { return upstream.Choose({}); }
  std::string Sequence(int count, const Endpoint* avoid = nullptr) {
    std::string names;
    while (count-- > 0) names += upstream.Choose({avoid})->text();
    return names;
  }

  Loop loop;
  Upstream upstream;
};

struct Turns {
  Names servers;
  std::string sequence;  // one cycle
};

TEST_CASE("servers take turns by their weights, and never in a burst") {
  const Turns rows[] = {
      {{{"a", 1}}, "a"},
      {{{"a", 1}, {"b", 1}}, "ab"},
      {{{"a", 1}, {"b", 1}, {"c", 1}}, "abc"},
      {{{"a", 5}, {"b", 1}, {"c", 1}}, "aabacaa"},
      {{{"a", 1}, {"b", 1}, {"c", 5}}, "ccacbcc"},
      {{{"a", 2}, {"b", 1}}, "aba"},
      {{{"a", 4}, {"b", 2}, {"c", 1}}, "abacaba"},
      {{{"a", 100}, {"b", 100}}, "ab"},
  };
  for (const Turns& row : rows) {
    Servers servers(row.servers);
    const int cycle = static_cast<int>(row.sequence.size());
    CHECK(servers.Sequence(2 * cycle) == row.sequence + row.sequence);
  }
}

TEST_CASE("over any number of cycles each server has exactly its share") {
  Servers servers({{"a", 7}, {"b", 3}, {"c", 2}, {"d", 11}});
  std::map<std::string, int> chosen;
  for (int i = 0; i < 23 * 10; ++i) ++chosen[servers.Choose()->text()];
  CHECK(chosen["a"] == 70);
  CHECK(chosen["b"] == 30);
  CHECK(chosen["c"] == 20);
  CHECK(chosen["d"] == 110);
}

TEST_CASE("a server that is to be avoided is not chosen if there is another") {
  Servers servers({{"a", 1}, {"b", 1}, {"c", 1}});
  const Endpoint* const a = servers.Choose();
  REQUIRE(a->text() == "a");
  CHECK(servers.Sequence(30, a).find('a') == std::string::npos);
  CHECK(servers.Sequence(3).find('a') != std::string::npos);
}

TEST_CASE("of two servers the other one is chosen, however light") {
  Servers servers({{"a", 100}, {"b", 1}});
  const Endpoint* const a = servers.Choose();
  CHECK(servers.Sequence(5, a) == "bbbbb");
}

TEST_CASE("a server that is down is no other") {
  Servers servers({{"a", 1}, {"b", 1}});
  const Endpoint& a = servers.upstream.server(0);
  CHECK(servers.upstream.HasOther(a));
  Standing down;
  down.down = true;
  servers.upstream.Take(1, down);
  CHECK(!servers.upstream.HasOther(a));
  CHECK(servers.upstream.HasOther(servers.upstream.server(1)));
  Servers alone({{"a", 1}});
  CHECK(!alone.upstream.HasOther(alone.upstream.server(0)));
}

TEST_CASE("the only server is chosen, even to be avoided") {
  Servers servers({{"a", 1}});
  CHECK(servers.Sequence(3, servers.Choose()) == "aaa");
}

// After each failure of `a`, the retry goes elsewhere: it keeps its share of
// the first attempts.
TEST_CASE("retries elsewhere leave the shares of first attempts as they are") {
  Servers servers({{"a", 1}, {"b", 1}, {"c", 1}});
  std::map<std::string, int> first;
  for (int i = 0; i < 300; ++i) {
    const Endpoint* const endpoint = servers.Choose();
    ++first[endpoint->text()];
    if (endpoint->text() == "a") servers.upstream.Choose({endpoint});
  }
  for (const auto& [name, count] : first) {
    CAPTURE(name);
    CHECK(count > 80);
    CHECK(count < 120);
  }
}

TEST_CASE("a server that can't be connected to is left alone for a second") {
  Servers servers({{"a", 1}, {"b", 1}});
  Endpoint* const failed = servers.upstream.Choose({});
  failed->SawNoConnection();
  const std::string other = failed->text() == "a" ? "b" : "a";
  CHECK(servers.Sequence(3) == other + other + other);
  servers.loop.wheel().SetNow(servers.loop.now() + std::chrono::seconds(1));
  const std::string again = servers.Sequence(4);
  CHECK(again.find(failed->text()) != std::string::npos);
}

TEST_CASE("where no server can be connected to, each is asked in its turn") {
  Servers servers({{"a", 1}, {"b", 1}});
  for (int i = 0; i < 2; ++i) {
    servers.upstream.Choose({})->SawNoConnection();
  }
  const std::string turns = servers.Sequence(2);
  CHECK(turns[0] != turns[1]);
  const Endpoint* one = servers.Choose();
  CHECK(servers.upstream.Choose({one}) != one);
}

// How many retries are granted in a row.
int Spend(Upstream& upstream) {
  int granted = 0;
  while (upstream.SpendRetry()) ++granted;
  return granted;
}

TEST_CASE("a hundred retries are granted at once, then a share of requests") {
  Servers servers({{"a", 1}, {"b", 1}}, 20);
  CHECK(Spend(servers.upstream) == 100);
  for (int i = 0; i < 5; ++i) {
    CHECK_FALSE(servers.upstream.SpendRetry());
    servers.upstream.EarnRetry();
  }
  CHECK(Spend(servers.upstream) == 1);
  for (int i = 0; i < 35; ++i) servers.upstream.EarnRetry();
  CHECK(Spend(servers.upstream) == 7);
}

TEST_CASE("a quiet upstream saves no more than a hundred retries") {
  Servers servers({{"a", 1}}, 20);
  for (int i = 0; i < 10'000; ++i) servers.upstream.EarnRetry();
  CHECK(Spend(servers.upstream) == 100);
}

TEST_CASE("shares of retries may be nothing or all") {
  Servers none({{"a", 1}}, 0);
  Servers all({{"a", 1}}, 100);
  Spend(none.upstream);
  Spend(all.upstream);
  for (int i = 0; i < 9; ++i) {
    none.upstream.EarnRetry();
    all.upstream.EarnRetry();
  }
  CHECK(Spend(none.upstream) == 0);
  CHECK(Spend(all.upstream) == 9);
}

TEST_CASE("an upstream knows its name and how many servers it has") {
  const Servers servers({{"a", 1}, {"b", 1}});
  CHECK(servers.upstream.name() == "u");
  CHECK(servers.upstream.servers() == 2);
}

}  // namespace
}  // namespace whichhop
