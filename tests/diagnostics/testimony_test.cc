#include "diagnostics/testimony.h"

#include <sstream>
#include <string>
#include <utility>

#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

// A testimony as a line of text, so that a table can say what is expected.
std::string Dump(const ProxyMember& member) {
  std::ostringstream out;
  out << member.name;
  if (member.has_error) {
    const std::string_view type = ErrorTypeName(member.error);
    out << " error=" << (type.empty() ? "?" : type);
  }
  if (member.received_status != 0)
    out << " received=" << member.received_status;
  if (!member.next_hop.empty()) out << " hop=" << member.next_hop;
  if (!member.next_protocol.empty())
    out << " protocol=" << member.next_protocol;
  if (!member.details.empty()) out << " details=" << member.details;
  for (const MemberParameter& parameter : member.parameters) {
    if (parameter.key.empty()) continue;
    out << " " << parameter.key << "=";
    if (parameter.number) {
      out << *parameter.number;
    } else {
      out << parameter.value;
    }
  }
  return out.str();
}

std::string Members(std::string_view proxy_status) {
  TestimonyFacts facts;
  facts.proxy_status = proxy_status;
  const Testimony heard = ReadTestimony(facts);
  std::string out;
  for (const ProxyMember& member : heard.Members()) {
    if (!out.empty()) out += " | ";
    out += Dump(member);
  }
  return out;
}

using Pair = std::pair<std::string_view, std::string_view>;

TEST_CASE("members of Proxy-Status are read to the letter of RFC 9209") {
  constexpr Pair kCases[] = {
      {"", ""},
      {"nginx-inner", "nginx-inner"},
      {"\"my proxy\", b", "\"my proxy\" | b"},
      {"a; error=connection_refused, b; received-status=502",
       "a error=connection_refused | b received=502"},
      {"a; next-hop=\"10.0.0.5:80\"; next-protocol=h2; details=\"x, y\"",
       "a hop=\"10.0.0.5:80\" protocol=h2 details=\"x, y\""},
      {"a;next-hop=host.example;next-protocol=:aDI=:",
       "a hop=host.example protocol=:aDI=:"},
      {"a; error=dns_error; rcode=\"NXDOMAIN\"; info-code=22",
       "a error=dns_error rcode=\"NXDOMAIN\" info-code=22"},
      {"a; error=tls_alert_received; alert-id=40; alert-message=\"no\"",
       "a error=tls_alert_received alert-id=40 alert-message=\"no\""},
      {"a; error=http_request_error; status-code=400; status-phrase=\"Bad\"",
       "a error=http_request_error status-code=400 status-phrase=\"Bad\""},
      {"a; error=http_response_header_section_size; header-section-size=9000",
       "a error=http_response_header_section_size header-section-size=9000"},
      {"a; error=http_response_header_size; header-name=\"X\"; header-size=9",
       "a error=http_response_header_size header-name=\"X\" header-size=9"},
      {"a; error=http_response_body_size; body-size=9",
       "a error=http_response_body_size body-size=9"},
      {"a; error=http_response_trailer_section_size; trailer-section-size=9",
       "a error=http_response_trailer_section_size trailer-section-size=9"},
      {"a; error=http_response_trailer_size; trailer-name=X; trailer-size=9",
       "a error=http_response_trailer_size trailer-name=X trailer-size=9"},
      {"a; error=http_response_transfer_coding; coding=gzip",
       "a error=http_response_transfer_coding coding=gzip"},
      {"a; error=http_response_content_coding; coding=br",
       "a error=http_response_content_coding coding=br"},
      {"a; error=from_the_future", "a error=?"},
      {"a; x-own=1; error=dns_timeout", "a error=dns_timeout"},
  };
  for (const auto& [value, expected] : kCases)
    CHECK(Members(value) == expected);
}

TEST_CASE("what is of the wrong type says nothing, the rest is heard") {
  constexpr Pair kCases[] = {
      {"a; error=\"connection_refused\"", "a"},
      {"a; error; received-status=502", "a received=502"},
      {"a; received-status=\"502\"", "a"},
      {"a; received-status=50.2", "a"},
      {"a; received-status=1000", "a"},
      {"a; received-status=-502", "a"},
      {"a; details=x; next-hop=1; next-protocol=\"h2\"", "a"},
      {"a; error=dns_error; info-code=\"1\"; rcode=3", "a error=dns_error"},
      {"1, a, ?1, :YQ==:", "a"},
      {"a; received-status=501; received-status=502", "a received=502"},
      {"a; rcode=X; rcode=Y; info-code=1", "a rcode=Y info-code=1"},
      {"a; rcode=X; info-code=1; coding=gzip", "a rcode=X info-code=1"},
      {"a, (b c)", ""},  // no list of Items: all of it is ignored
      {"a; error=dns_error,", ""},
      {"a; Error=dns_error", ""},
  };
  for (const auto& [value, expected] : kCases)
    CHECK(Members(value) == expected);
}

TEST_CASE("of too many members the innermost and the last are kept") {
  TestimonyFacts facts;
  facts.proxy_status = "a, b, c, d, e, f, g, h; error=dns_error, i, j";
  const Testimony heard = ReadTestimony(facts);
  CHECK(heard.member_count == Testimony::kMaxMembers);
  CHECK(heard.members_left_out == 2);
  CHECK(heard.members[0].name == "a");
  CHECK(heard.members[6].name == "g");
  CHECK(heard.Outermost()->name == "j");
  CHECK_FALSE(heard.Outermost()->has_error);
}

TEST_CASE("hops are read in their order, other names are told") {
  TestimonyFacts facts;
  facts.error_cause = "tor, app;x=1, printer, \"db\", app, dns";
  facts.error_reporter = "lb";
  facts.error_cleared = "isp, fax";
  const Testimony heard = ReadTestimony(facts);
  CHECK(Join(heard.cause) == "tor,app,dns");
  CHECK(Join(heard.reporter) == "lb");
  CHECK(Join(heard.cleared) == "isp");
  CHECK(heard.no_hop == "printer");
}

TEST_CASE("a list that is none names nobody") {
  for (std::string_view value : {"db,", "db; ", "db lb", "(db)", ",db", "dB"}) {
    TestimonyFacts facts;
    facts.error_cause = value;
    CHECK(ReadTestimony(facts).cause.empty());
  }
}

TEST_CASE("Error-Fault is an item: its token, its rows and its basis") {
  struct Case {
    std::string_view value, fault, rows, basis;
  };
  constexpr Case kCases[] = {
      {"relay-502; row=\"502B 502C\"; basis=documented", "relay-502",
       "502B 502C", "documented"},
      {"connect-timeout", "connect-timeout", "-", ""},
      {"x; row=\"502A  nonsense 504\"", "x", "502A", ""},
      {"x; row=a502; basis=\"observed\"", "x", "-", ""},
      {"x; row=\"\"", "x", "-", ""},
      {"\"x\"; row=\"502A\"", "", "-", ""},
      {"x; row=\"502A\", y", "", "-", ""},
      {"", "", "-", ""},
  };
  for (const Case& c : kCases) {
    INFO(c.value);
    TestimonyFacts facts;
    facts.error_fault = c.value;
    const Testimony heard = ReadTestimony(facts);
    CHECK(heard.fault == c.fault);
    CHECK(Join(heard.rows) == c.rows);
    CHECK(heard.basis == c.basis);
  }
}

TEST_CASE("who passed it on is the last of Via; timing is the first metric") {
  TestimonyFacts facts;
  facts.via = "1.1 app-gw (x) ,\t1.1 lb-in ";
  facts.server_timing = "origin;dur=12, cdn;dur=3";
  facts.error_id = "\"01JD\"";
  const Testimony heard = ReadTestimony(facts);
  CHECK(heard.via == "1.1 lb-in");
  CHECK(heard.timing == "origin;dur=12");
  CHECK(heard.id == "\"01JD\"");
}

TEST_CASE(
    "fields of vendors are claims where they say what others have types for") {
  struct Case {
    std::string_view lines;
    ErrorType error;
    std::string_view cited;
  };
  constexpr Case kCases[] = {
      {"X-Squid-Error: ERR_CONNECT_FAIL 111", ErrorType::kConnectionRefused,
       "X-Squid-Error: ERR_CONNECT_FAIL 111"},
      {"x-squid-error:ERR_CONNECT_FAIL 110", ErrorType::kConnectionTimeout,
       "x-squid-error:ERR_CONNECT_FAIL 110"},
      {"X-Squid-Error: ERR_DNS_FAIL 0\nX-Vercel-Error: INFINITE_LOOP_DETECTED",
       ErrorType::kDnsError, "X-Squid-Error: ERR_DNS_FAIL 0"},
      {"X-Amzn-ErrorType: Whatever\nX-Vercel-Error: NO_RESPONSE_FROM_FUNCTION",
       ErrorType::kHttpResponseIncomplete,
       "X-Vercel-Error: NO_RESPONSE_FROM_FUNCTION"},
      {"Ngrok-Error-Code: ERR_NGROK_8012", ErrorType::kConnectionRefused,
       "Ngrok-Error-Code: ERR_NGROK_8012"},
      {"X-Squid-Error: nonsense", ErrorType::kNone, ""},
      {"CF-Error-Type: x", ErrorType::kNone, ""},
      {"no colon\n\n:\nX-Unknown: 1", ErrorType::kNone, ""},
  };
  for (const Case& c : kCases) {
    INFO(c.lines);
    TestimonyFacts facts;
    facts.vendor = c.lines;
    const Testimony heard = ReadTestimony(facts);
    CHECK(heard.vendor_error == c.error);
    CHECK(heard.vendor == c.cited);
  }
}

TEST_CASE("who wrote an answer shows in what only some of them add") {
  TestimonyFacts facts;
  facts.vendor = "x-envoy-upstream-service-time: 17\nX-Runtime: 0.01";
  const Testimony heard = ReadTestimony(facts);
  CHECK(heard.passed_on);
  CHECK(heard.by_app);
  CHECK(heard.upstream_time == std::chrono::milliseconds(17));
  facts.vendor = "x-envoy-upstream-service-time: soon";
  CHECK_FALSE(ReadTestimony(facts).passed_on);
}

TEST_CASE("names of vendors' fields are known in any case") {
  CHECK(IsVendorClaim("X-SQUID-ERROR"));
  CHECK(IsVendorClaim("x-runtime"));
  CHECK_FALSE(IsVendorClaim("x-runtim"));
  CHECK_FALSE(IsVendorClaim("x-runtimes"));
  CHECK_FALSE(IsVendorClaim(""));
}

TEST_CASE("every type of error is found by its name") {
  for (size_t i = 1; i < kErrorTypeCount; ++i) {
    const auto type = static_cast<ErrorType>(i);
    CHECK(ParseErrorType(ErrorTypeName(type)) == type);
  }
  CHECK_FALSE(ParseErrorType("").has_value());
  CHECK_FALSE(ParseErrorType("connection").has_value());
}

}  // namespace
}  // namespace whichhop::diagnostics
