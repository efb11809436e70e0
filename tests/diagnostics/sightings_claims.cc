// Relayed errors whose upstream says something of blame.

#include "tests/diagnostics/sighting_parts.h"

namespace whichhop::diagnostics {
namespace {

TestimonyFacts& Believed(Observation& o) {
  o.kind = Kind::kRelayed;
  o.believe = true;
  return o.testimony.emplace();
}

TestimonyFacts& Unbelieved(Observation& o) {
  TestimonyFacts& said = Believed(o);
  o.believe = false;
  return said;
}

// What one of our kind says.
void SayInner(TestimonyFacts& said, std::string_view fault,
              std::string_view cause, std::string_view reporter) {
  said.error_fault = fault;
  said.error_cause = cause;
  said.error_reporter = reporter;
  said.error_id = "\"01JD7Z8T7Q3V5K9M2N4P6R8S0T\"";
}

SIGHTING(BelievedBlamesDb) { Believed(o).error_cause = "db"; }

SIGHTING(UnbelievedBlamesDb) { Unbelieved(o).error_cause = "db"; }

SIGHTING(UnbelievedForgedBrowser) {
  TestimonyFacts& said = Unbelieved(o);
  said.error_cause = "browser";
  said.proxy_status = "x; error=http_request_error";
}

SIGHTING(UnbelievedForgedCleared) {
  Unbelieved(o).error_cleared = "server, app";
}

SIGHTING(BelievedNotAHop) { Believed(o).error_cause = "printer"; }

SIGHTING(BelievedProxyRefused) {
  Believed(o).proxy_status = "nginx-inner; error=connection_refused";
}

SIGHTING(BelievedProxyDns) {
  Believed(o).proxy_status = "nginx-inner; error=dns_error; rcode=\"NXDOMAIN\"";
}

SIGHTING(BelievedProxyTimeout) {
  TestimonyFacts& said = Believed(o);
  said.proxy_status = "lb-in; error=http_response_timeout";
  said.elapsed = std::chrono::seconds(60);
}

SIGHTING(BelievedMovesOutOfGreen) {
  TestimonyFacts& said = Believed(o);
  said.error_cause = "tor";
  said.error_reporter = "lb";
}

SIGHTING(ChainInnerProducedTimeout) {
  SayInner(Believed(o), "connect-timeout; row=\"504A\"; basis=observed",
           "tor, server, app", "lb");
}

SIGHTING(ChainInnerRelayed) {
  SayInner(Believed(o), "relay-502; row=\"502B 502C\"; basis=documented",
           "app, db", "server, app");
}

SIGHTING(ChainInnerClaimsDb) {
  SayInner(Believed(o), "relay-502; row=\"502B\"; basis=claimed", "db", "app");
}

SIGHTING(ChainInnerNarrower) {
  TestimonyFacts& said = Believed(o);
  said.proxy_status =
      "app-gw; error=connection_timeout, lb-in; received-status=504";
  said.error_cause = "db";
  said.error_reporter = "app";
}

SIGHTING(ChainUnbelieved) {
  SayInner(Unbelieved(o), "relay-502; row=\"502B\"", "db", "");
}

}  // namespace
}  // namespace whichhop::diagnostics
