#include "proxy/net/way_out.h"

#include <cerrno>

#include "tests/catch.h"

namespace whichhop {
namespace {

Address At(std::string_view text) { return *Address::Parse(text); }

TEST_CASE("our own kernel has a route to loopback, in both families") {
  CHECK(RouteRefusal(At("127.0.0.1:9")) == 0);
  CHECK(RouteRefusal(At("[::1]:9")) == 0);
}

// A refusal that is the same on every machine; bench/attribution meets those of
// routes.
TEST_CASE("an address that we may not send to is refused by our own kernel") {
  CHECK(RouteRefusal(At("255.255.255.255:9")) == EACCES);
}

TEST_CASE("an address of an interface's network is on our link") {
  CHECK(IsOnLink(At("127.0.0.1:9")) == true);
  CHECK(IsOnLink(At("127.200.1.2:9")) == true);
  CHECK(IsOnLink(At("[::1]:9")) == true);
}

TEST_CASE("an address that nobody can have is not on our link") {
  CHECK(IsOnLink(At("240.0.0.1:9")) == false);
  CHECK(IsOnLink(At("[4000::1]:9")) == false);
}

}  // namespace
}  // namespace whichhop
