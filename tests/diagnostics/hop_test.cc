#include "diagnostics/hop.h"

#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

TEST_CASE("every hop is found by its name, and nothing else is") {
  for (size_t i = 0; i < kHopCount; ++i) {
    const Hop hop = static_cast<Hop>(i);
    CHECK(ParseHop(HopName(hop)) == hop);
  }
  for (std::string_view name : {"", "LB", "printer", "lb ", "self"}) {
    INFO(name);
    CHECK_FALSE(ParseHop(name).has_value());
  }
}

TEST_CASE("a set iterates in the order of the model") {
  const HopSet set{Hop::kApp, Hop::kBrowser, Hop::kDns, Hop::kTor};
  CHECK(Join(set) == "browser,dns,tor,app");
  CHECK(set.size() == 4);
  CHECK(Join(set - HopSet{Hop::kDns}) == "browser,tor,app");
  CHECK(Join(set & HopSet{Hop::kDns, Hop::kLb}) == "dns");
  CHECK(Join(HopSet{}) == "-");
}

TEST_CASE("a list keeps its order and holds each hop once") {
  HopList list{Hop::kServer, Hop::kApp, Hop::kServer};
  list.Add(Hop::kTor);
  CHECK(Join(list) == "server,app,tor");
  CHECK(Join(list.Only({Hop::kTor, Hop::kServer})) == "server,tor");
  CHECK(list == HopList{Hop::kServer, Hop::kApp, Hop::kTor});
  CHECK_FALSE(list == HopList{Hop::kApp, Hop::kServer, Hop::kTor});
}

TEST_CASE("the path behind us depends on where we stand and who answers") {
  struct Case {
    Position position;
    Answers is;
    std::string_view path;
  };
  const Case cases[] = {
      {Position::kLb, Answers::kUnset, "tor,server,app"},
      {Position::kLb, Answers::kLb, "tor,lb,server,app"},
      {Position::kLb, Answers::kApp, "tor,server,app"},
      {Position::kCdn, Answers::kUnset, "isp,tor,lb,server,app"},
      {Position::kCdn, Answers::kLb, "isp,tor,lb,server,app"},
      {Position::kCdn, Answers::kServer, "isp,tor,server,app"},
  };
  for (const Case& c : cases)
    CHECK(Join(PathBehind(c.position, c.is)) == c.path);
}

}  // namespace
}  // namespace whichhop::diagnostics
