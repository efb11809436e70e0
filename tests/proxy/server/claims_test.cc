#include "proxy/server/claims.h"

#include <string>

#include "tests/proxy/server/heads.h"

namespace whichhop {
namespace {

// A response's claims, gathered from a head with these field lines.
struct Gathered {
  explicit Gathered(std::string_view fields, bool believed = true)
      : head("HTTP/1.1 502 No\r\n" + std::string(fields) +
             "Content-Length: 0\r\n\r\n") {
    Gather(believed);
  }
  void Gather(bool believed) {
    if (!Claims::In(head.head().fields, believed)) return;
    claims.Gather(head.head().fields, head.bytes.data(), believed);
  }

  ParsedResponse head;
  Claims claims;
};

TEST_CASE("what an answer says of blame is gathered, word for word") {
  const Gathered said(
      "Proxy-Status: a; error=dns_error\r\n"
      "ERROR-CAUSE:  db \r\n"
      "Error-Reporter: app\r\n"
      "Error-Cleared: lb\r\n"
      "Error-Fault: x; row=\"502A\"\r\n"
      "Error-Id: \"1\"\r\n"
      "Via: 1.1 a\r\n"
      "X-Other: 1\r\n");
  const diagnostics::TestimonyFacts& facts = said.claims.facts();
  CHECK(facts.proxy_status == "a; error=dns_error");
  CHECK(facts.error_cause == "db");
  CHECK(facts.error_reporter == "app");
  CHECK(facts.error_cleared == "lb");
  CHECK(facts.error_fault == "x; row=\"502A\"");
  CHECK(facts.error_id == "\"1\"");
  CHECK(facts.via == "1.1 a");
  CHECK(said.claims.lines() ==
        "Proxy-Status: a; error=dns_error; ERROR-CAUSE:  db; "
        "Error-Reporter: app; Error-Cleared: lb; "
        "Error-Fault: x; row=\"502A\"; Error-Id: \"1\"");
}

TEST_CASE("lines of one field are one value, in their order") {
  const Gathered said(
      "Proxy-Status: a\r\nError-Cause: db\r\nProxy-Status: b, c\r\n"
      "Proxy-Status: d\r\nError-Cause: app\r\n");
  CHECK(said.claims.facts().proxy_status == "a, b, c, d");
  CHECK(said.claims.facts().error_cause == "db, app");
}

TEST_CASE("an upstream that is not believed has no fields of vendors read") {
  constexpr std::string_view kFields =
      "X-Squid-Error: ERR_DNS_FAIL 0\r\nServer-Timing: origin;dur=1\r\n"
      "X-Runtime: 0.1\r\n";
  const Gathered believed(kFields);
  CHECK(believed.claims.any());
  CHECK(believed.claims.facts().vendor ==
        "X-Squid-Error: ERR_DNS_FAIL 0\nX-Runtime: 0.1");
  CHECK(believed.claims.facts().server_timing == "origin;dur=1");
  const Gathered ignored(kFields, false);
  CHECK_FALSE(ignored.claims.any());
  CHECK(ignored.claims.facts().vendor.empty());
}

TEST_CASE("who speaks of no blame says nothing") {
  for (std::string_view fields :
       {"", "Via: 1.1 a\r\n", "Server-Timing: origin;dur=1\r\n"}) {
    const Gathered said(fields);
    CHECK_FALSE(said.claims.any());
    CHECK(said.claims.facts().via.empty());
    CHECK(said.claims.facts().server_timing.empty());
  }
}

TEST_CASE("the log keeps the first KiB, the diagnosis all of it") {
  const std::string name(900, 'n');
  const Gathered said("Proxy-Status: " + name + "\r\nError-Cause: " + name +
                      "\r\nError-Id: 1\r\n");
  CHECK(said.claims.lines().size() == 1024);
  CHECK(said.claims.facts().error_cause == name);
  CHECK(said.claims.facts().error_id == "1");
}

TEST_CASE("claims of the last exchange are forgotten") {
  Gathered said("Error-Cause: db\r\nX-Runtime: 1\r\nProxy-Status: a\r\n");
  said.claims.NoteLine("Proxy-Status: late");
  CHECK_THAT(std::string(said.claims.lines()),
             Catch::EndsWith("; Proxy-Status: late"));
  said.claims.Clear();
  CHECK_FALSE(said.claims.any());
  CHECK(said.claims.facts().error_cause.empty());
  CHECK(said.claims.facts().vendor.empty());
}

}  // namespace
}  // namespace whichhop
