// Each rule of the table in contradiction.cc, by what it quarantines and by
// what is close to it and may pass.

#include "diagnostics/contradiction.h"

#include <string>

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

using std::chrono::milliseconds;

struct Case {
  uint16_t status;
  std::string_view cause, reporter, cleared, fault, proxy_status, vendor;
  int elapsed_ms;
  std::string_view says;  // the beginning of it; empty: it passes
};

Observation See(const Case& c, Position position, Answers is) {
  Observation o;
  o.position = position;
  o.is = is;
  o.status = c.status;
  o.believe = true;
  TestimonyFacts& said = o.testimony.emplace();
  said.error_cause = c.cause;
  said.error_reporter = c.reporter;
  said.error_cleared = c.cleared;
  said.error_fault = c.fault;
  said.proxy_status = c.proxy_status;
  said.vendor = c.vendor;
  if (c.elapsed_ms >= 0) said.elapsed = milliseconds(c.elapsed_ms);
  return o;
}

constexpr std::string_view kSide = "Error-Cause names a hop that cannot";
constexpr std::string_view kReporter = "Error-Reporter names a hop";
constexpr std::string_view kRow = "the row of Error-Fault";
constexpr std::string_view kOther = "Error-Fault is of another status";
constexpr std::string_view kReceived = "received-status is not";
constexpr std::string_view kMade = "status-code is not";
constexpr std::string_view kAtOnce = "it speaks of a timeout";
constexpr std::string_view kMoreTime = "it speaks of more time";
constexpr std::string_view kBoth = "Error-Cause and Error-Cleared";
constexpr std::string_view kRequest = "the request is blamed";

// clang-format off
// At position cdn, is: lb.
constexpr Case kCases[] = {
    {502, "browser", "", "", "", "", "", -1, kSide},
    {502, "app, router", "", "", "", "", "", -1, kSide},
    {500, "cdn", "", "", "", "", "", -1, kSide},
    {404, "browser", "", "", "", "", "", -1, ""},
    {400, "cdn", "lb", "", "", "", "", -1, ""},
    {511, "router", "browser", "", "", "", "", -1, ""},  // its row says so
    {505, "browser", "lb", "", "req-version; row=\"505\"", "", "", -1, ""},
    {505, "browser", "lb", "", "", "", "", -1, kSide},
    {502, "isp, tor, lb, server, app, db, store-host, dns", "", "", "", "", "", -1, ""},

    {502, "app", "browser", "", "", "", "", -1, kReporter},
    {502, "app", "teapot", "", "", "", "", -1, kReporter},
    {404, "datastore", "browser", "", "", "", "", -1, ""},
    {522, "tor", "cdn", "", "", "", "", -1, ""},
    {502, "cdn", "cdn", "", "", "", "", -1, ""},  // another CDN, by its own word
    {502, "app", "dns", "", "", "", "", -1, ""},

    {502, "app", "", "", "x; row=\"504A\"", "", "", -1, kRow},
    {404, "app", "", "", "x; row=\"502A\"", "", "", -1, kRow},
    {502, "app", "", "", "x; row=\"502A 504A\"", "", "", -1, ""},
    {502, "lb", "", "", "relay-407; row=\"407\"", "", "", -1, ""},
    {507, "app", "", "", "relay-507", "", "", -1, ""},

    {502, "app", "", "", "relay-503", "", "", -1, kOther},
    {502, "app", "", "", "relay-", "", "", -1, kOther},
    {502, "app", "", "", "relay-502", "", "", -1, ""},

    {502, "", "", "", "", "a; received-status=503", "", -1, kReceived},
    {502, "app", "", "", "", "a; received-status=200", "", -1, kReceived},
    {502, "", "", "", "", "a; received-status=500, b; received-status=502", "", -1, kReceived},
    {502, "", "", "", "", "a; received-status=502, b; received-status=502", "", -1, ""},
    {502, "", "", "", "", "a; error=dns_error, b; received-status=502", "", -1, ""},
    // Who made a status of its own may have received another.
    {502, "", "", "", "", "a; error=http_upgrade_failed; received-status=101", "", -1, ""},
    {502, "", "", "", "", "a; received-status=407, b; error=http_protocol_error; received-status=407", "", -1, ""},
    // What b received it does not say.
    {502, "", "", "", "", "a; received-status=500, b, c; received-status=502", "", -1, ""},

    {404, "", "", "", "", "a; error=http_request_error; status-code=400", "", -1, kMade},
    {400, "", "", "", "", "a; error=http_request_error; status-code=400", "", -1, ""},
    {400, "", "", "", "", "a; error=http_request_error; status-code=404, b", "", -1, ""},

    {504, "", "", "", "", "a; error=http_response_timeout", "", 3, kAtOnce},
    {504, "", "", "", "", "a; error=connection_timeout", "", 9, kAtOnce},
    {504, "", "", "", "", "a; error=connection_read_timeout, b", "", 0, kAtOnce},
    {504, "", "", "", "", "a; error=connection_write_timeout", "", 3, kAtOnce},
    {503, "", "", "", "", "", "X-Squid-Error: ERR_READ_TIMEOUT 0", 3, kAtOnce},
    {504, "tor", "", "", "connect-timeout; row=\"504A\"", "", "", 3, kAtOnce},
    {504, "", "", "", "", "a; error=http_response_timeout", "", 10, ""},
    {504, "", "", "", "", "a; error=http_response_timeout", "", -1, ""},
    {504, "", "", "", "", "a; error=dns_timeout", "", 0, ""},  // remembered
    {502, "", "", "", "", "a; error=connection_refused", "", 30000, ""},
    {504, "tor", "", "", "resp-path-lost", "a; error=destination_ip_unroutable", "", 3, ""},

    {502, "", "", "", "", "", "x-envoy-upstream-service-time: 5000", 3, kMoreTime},
    {502, "", "", "", "", "", "x-envoy-upstream-service-time: 5000", 4990, ""},
    {502, "", "", "", "", "", "x-envoy-upstream-service-time: 5000", -1, ""},

    {502, "app, db", "", "isp, app", "", "", "", -1, kBoth},
    {502, "app, db", "", "isp", "", "", "", -1, ""},

    {502, "", "", "", "", "x; error=http_request_error", "", -1, kRequest},
    {503, "", "", "", "", "x; error=http_request_denied", "", -1, kRequest},
    {503, "", "", "", "", "", "X-Squid-Error: ERR_ACCESS_DENIED 0", -1, kRequest},
    {501, "", "", "", "", "x; error=http_request_error", "", -1, ""},
    {505, "", "", "", "", "x; error=http_request_error", "", -1, ""},
    {403, "", "", "", "", "x; error=http_request_denied", "", -1, ""},
};
// clang-format on

std::string_view Found(const Observation& o) {
  return ContradictionOf(o, ReadTestimony(*o.testimony));
}

std::string Told(const Case& c) {
  std::string out = std::to_string(c.status);
  for (std::string_view part :
       {c.cause, c.reporter, c.cleared, c.fault, c.proxy_status, c.vendor}) {
    (out += " | ") += part;
  }
  return out + " after " + std::to_string(c.elapsed_ms) + " ms";
}

TEST_CASE("what contradicts is found, and what is close to it is not") {
  for (const Case& c : kCases) {
    INFO(Told(c));
    const Observation o = See(c, Position::kCdn, Answers::kLb);
    const std::string_view found = Found(o);
    if (c.says.empty()) {
      CHECK(found == "");
    } else {
      CHECK(found.substr(0, c.says.size()) == c.says);
    }
  }
}

TEST_CASE("a claim in quarantine moves nothing") {
  for (const Case& c : kCases) {
    if (c.says.empty()) continue;
    INFO(Told(c));
    Observation o = See(c, Position::kCdn, Answers::kLb);
    const Verdict with = Diagnose(o);
    o.testimony.reset();
    CHECK(Dump(with) == Dump(Diagnose(o)));
    CHECK(with.hearing == Hearing::kQuarantined);
  }
}

TEST_CASE("who may stand behind us depends on where we stand") {
  struct Place {
    Position position;
    Answers is;
    uint16_t status;
    std::string_view cause, reporter, says;
  };
  constexpr Place kPlaces[] = {
      {Position::kLb, Answers::kApp, 500, "lb", "", kSide},
      {Position::kLb, Answers::kUnset, 500, "isp", "", kSide},
      {Position::kLb, Answers::kLb, 500, "lb", "lb", ""},
      {Position::kLb, Answers::kServer, 500, "app", "lb", kReporter},
      {Position::kLb, Answers::kServer, 500, "app", "cdn", kReporter},
      {Position::kLb, Answers::kServer, 503, "app", "lb", ""},
      {Position::kCdn, Answers::kUnset, 500, "isp, lb", "lb", ""},
      {Position::kCdn, Answers::kApp, 500, "lb", "", kSide},
      {Position::kLb, Answers::kUnset, 522, "isp, lb", "cdn", ""},
  };
  for (const Place& p : kPlaces) {
    INFO(p.cause << " by " << p.reporter);
    const Observation o =
        See({p.status, p.cause, p.reporter, "", "", "", "", -1, ""}, p.position,
            p.is);
    CHECK(Found(o).substr(0, p.says.size()) == p.says);
    CHECK(Found(o).empty() == p.says.empty());
  }
}

TEST_CASE("members that were left out contradict nobody") {
  std::string many = "a; received-status=500";
  for (int i = 0; i < 10; ++i) many += ", x; received-status=500";
  many += ", z; received-status=502";
  Observation o = See({502, "", "", "", "", many, "", -1, ""}, Position::kCdn,
                      Answers::kLb);
  CHECK(Found(o).empty());
}

}  // namespace
}  // namespace whichhop::diagnostics
