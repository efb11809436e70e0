#include "diagnostics/fields.h"

#include "diagnostics/diagnose.h"
#include "diagnostics/proxy_status.h"
#include "diagnostics/sf_list.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

Verdict Of(std::string_view sighting, Position position = Position::kLb) {
  Observation o;
  o.position = position;
  o.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  See(sighting, o);
  o.status = 502;
  return Diagnose(o);
}

std::string Fields(const Verdict& verdict, const FieldOptions& options) {
  std::string out;
  AppendFields(verdict, options, out);
  return out;
}

std::string ProxyStatus(const Verdict& verdict, const FieldOptions& options) {
  std::string out;
  AppendProxyStatus(verdict, options, out);
  return out;
}

FieldOptions For(Audience audience) {
  FieldOptions options;
  options.node = "edge-1";
  options.error_id = "01JD7Z8T7Q3V5K9M2N4P6R8S0T";
  options.audience = audience;
  return options;
}

TEST_CASE("a timed out connection, as an operator at a CDN sees it") {
  CHECK(
      Fields(Of("ConnectTimeout", Position::kCdn), For(Audience::kOperator)) ==
      "Proxy-Status: edge-1; error=connection_timeout; "
      "next-hop=\"10.0.0.5:8000\"; "
      "details=\"no SYN-ACK in 3.0 s, 3 SYNs\"\r\n"
      "Error-Cause: isp, tor, lb, server, app\r\n"
      "Error-Reporter: cdn\r\n"
      "Error-Cleared: browser-app, browser, device, router, image-host\r\n"
      "Error-Fault: connect-timeout; row=\"522\"; basis=observed\r\n"
      "Error-Id: \"01JD7Z8T7Q3V5K9M2N4P6R8S0T\"\r\n");
}

TEST_CASE("the public sees hops, fault, row, basis and id, and no address") {
  CHECK(Fields(Of("ConnectRefusedRst"), For(Audience::kPublic)) ==
        "Proxy-Status: edge-1; error=connection_refused\r\n"
        "Error-Cause: app, server\r\n"
        "Error-Reporter: lb\r\n"
        "Error-Cleared: tor\r\n"
        "Error-Fault: connect-refused-rst; row=\"502A\"; basis=observed\r\n"
        "Error-Id: \"01JD7Z8T7Q3V5K9M2N4P6R8S0T\"\r\n");
}

TEST_CASE("empty lists omit their field, and several rows share one String") {
  const std::string said = Fields(Of("Relayed"), For(Audience::kPublic));
  CHECK(said ==
        "Proxy-Status: edge-1; received-status=502\r\n"
        "Error-Cause: app, db\r\n"
        "Error-Reporter: server, app\r\n"
        "Error-Fault: relay-502; row=\"502B 502C\"; basis=documented\r\n"
        "Error-Id: \"01JD7Z8T7Q3V5K9M2N4P6R8S0T\"\r\n");
}

TEST_CASE("nobody gets Error-* where errors.fields says so") {
  FieldOptions options = For(Audience::kPublic);
  options.error_fields = false;
  CHECK(Fields(Of("RouteNone"), options) ==
        "Proxy-Status: edge-1; error=destination_not_found\r\n");
}

TEST_CASE("the status behind a mask is told to operators alone") {
  FieldOptions options = For(Audience::kOperator);
  options.masked = 401;
  CHECK(
      Fields(Of("Relayed"), options).find("basis=documented; masked=401\r\n") !=
      std::string::npos);
  options.audience = Audience::kPublic;
  CHECK(Fields(Of("Relayed"), options).find("masked") == std::string::npos);
}

TEST_CASE("parameters that RFC 9209 has for a type are given") {
  struct Case {
    std::string_view sighting, member;
  };
  const Case cases[] = {
      {"DnsServfail",
       "edge-1; error=dns_error; rcode=\"SERVFAIL\"; info-code=22"},
      {"ReqLineBad", "edge-1; error=http_request_error; status-code=400"},
      {"HeadTooLarge",
       "edge-1; error=http_response_header_section_size; "
       "header-section-size=307200"},
      {"HeadTeUnsupported",
       "edge-1; error=http_response_transfer_coding; coding=gzip"},
      {"BodyChunkMalformed",
       "edge-1; error=http_response_transfer_coding; coding=chunked; "
       "received-status=200"},
      {"ReqbodyTruncated", "edge-1"},
      {"Auth401NoChallenge", "edge-1"},
  };
  for (const Case& c : cases) {
    CHECK(ProxyStatus(Of(c.sighting), For(Audience::kPublic)) == c.member);
  }
}

TEST_CASE("received members are kept, cleaned, and stand before ours") {
  struct Case {
    std::string_view received;
    Audience audience;
    std::string_view said;
  };
  const Case cases[] = {
      {"nginx-inner; error=connection_refused", Audience::kPublic,
       "nginx-inner; error=connection_refused, edge-1; received-status=502"},
      {"a;next-hop=\"10.0.0.9\";error=dns_error;details=\"x\"",
       Audience::kPublic, "a; error=dns_error, edge-1; received-status=502"},
      {"a;next-hop=\"10.0.0.9\";details=\"x\"", Audience::kOperator,
       "a; next-hop=\"10.0.0.9\"; details=\"x\", edge-1; "
       "received-status=502"},
      {"a;flag, b", Audience::kPublic,
       "a; flag, b, edge-1; received-status=502"},
      {"edge-1; error=proxy_internal_error, b", Audience::kPublic,
       "b, edge-1; received-status=502"},
      {"\"edge-1\"; error=dns_error", Audience::kPublic,
       "edge-1; received-status=502"},
      {"42, b", Audience::kPublic, "b, edge-1; received-status=502"},
      {"b; error=", Audience::kPublic, "edge-1; received-status=502"},
      {"\"open", Audience::kPublic, "edge-1; received-status=502"},
      {"", Audience::kPublic, "edge-1; received-status=502"},
  };
  for (const Case& c : cases) {
    FieldOptions options = For(c.audience);
    options.received_proxy_status = {&c.received, 1};
    INFO(c.received);
    CHECK(ProxyStatus(Of("Relayed"), options) == c.said);
  }
}

TEST_CASE("one malformed field does not take the others with it") {
  const std::string_view received[] = {"a", "b; =", "c"};
  FieldOptions options = For(Audience::kPublic);
  options.received_proxy_status = received;
  CHECK(ProxyStatus(Of("Relayed"), options) ==
        "a, c, edge-1; received-status=502");
}

TEST_CASE("a relayed 407 is an error of protocol that was received") {
  Observation o;
  o.status = 407;
  CHECK(ProxyStatus(Diagnose(o), For(Audience::kPublic)) ==
        "edge-1; error=http_protocol_error; received-status=407");
}

TEST_CASE("every verdict's fields are structured fields, whatever came") {
  const std::string_view received[] = {"x; details=\"\\\"q\\\"\", y"};
  for (const Sighting& sighting : AllSightings()) {
    for (Audience audience : {Audience::kPublic, Audience::kOperator}) {
      Observation o;
      sighting.see(o);
      o.status = 404;
      o.attempt.address = "[::1%\xC3\xA9\"]:80";
      o.attempt.rule_value = "\"\\\r\n\xFF";
      o.decision.detail = "host \r\nX: y \"quoted\"";
      o.request.rule = o.decision.detail;
      const Verdict v = Diagnose(o);
      FieldOptions options = For(audience);
      options.node = "1 odd \"node\"";
      options.received_proxy_status = received;
      INFO(sighting.name);
      const std::string status = ProxyStatus(v, options);
      CHECK(IsSfList(status));
      CHECK(status.find('\r') == std::string::npos);
      for (auto append :
           {AppendErrorCause, AppendErrorReporter, AppendErrorCleared}) {
        std::string hops;
        append(v, hops);
        CHECK(IsSfList(hops));
      }
      std::string fault;
      AppendErrorFault(v, 401, fault);
      CHECK(IsSfList(fault));
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
