#include "proxy/http/authority.h"

#include "tests/catch.h"

namespace whichhop {
namespace {

TEST_CASE("an authority is a host and at most a port") {
  for (const char* text :
       {"h", "h.example", "127.0.0.1:80", "[::1]", "[::1]:443", "h:", "h:0",
        "h:65535", "a%2Db", "a_b~c!$&'()*+,;=d", "-"}) {
    INFO(text);
    CHECK(IsAuthority(text, PortNeed::kOptional));
  }
  for (const char* text :
       {"",     ":80",     "h:65536", "h:000001",     "h:-1",  "h:8 0", "h h",
        "h/p",  "h?q",     "h#f",     "u@h",          "u:p@h", "[]",    "[:",
        "[::1", "[::1]80", "[v1.x]",  "[::1%25eth0]", "::1",   "h%",    "h%2",
        "h%zz", "h\\x",    "h:80:80", "\x80"}) {
    INFO(text);
    CHECK_FALSE(IsAuthority(text, PortNeed::kOptional));
  }
}

TEST_CASE("a port that is required may not be empty") {
  CHECK(IsAuthority("h:443", PortNeed::kRequired));
  CHECK_FALSE(IsAuthority("h", PortNeed::kRequired));
  CHECK_FALSE(IsAuthority("h:", PortNeed::kRequired));
  CHECK_FALSE(IsAuthority("[::1]", PortNeed::kRequired));
}

}  // namespace
}  // namespace whichhop
