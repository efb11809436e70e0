// What counts of what other hops say, beyond the golden verdicts.

#include "diagnostics/claim.h"

#include <string>

#include "diagnostics/diagnose.h"
#include "diagnostics/error_meaning.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"

namespace whichhop::diagnostics {
namespace {

Observation Relayed(Position position, Answers is, int status) {
  Observation o;
  o.position = position;
  o.is = is;
  o.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  o.status = static_cast<uint16_t>(status);
  o.believe = true;
  o.testimony.emplace();
  return o;
}

Verdict Said(Position position, Answers is, int status,
             std::string_view proxy_status) {
  Observation o = Relayed(position, is, status);
  o.testimony->proxy_status = proxy_status;
  return Diagnose(o);
}

std::string Evidenced(const Verdict& v) {
  std::string out;
  for (size_t i = 0; i < v.evidence.size(); ++i) {
    (out += RuleName(v.evidence[i].rule)) += ": ";
    (out += v.evidence[i].sentence) += "\n";
  }
  return out;
}

// "rows | cause | reporter | basis"
std::string Short(const Verdict& v) {
  return Join(v.rows) + " | " + Join(v.cause) + " | " + Join(v.reporter) +
         " | " + std::string(BasisName(v.basis));
}

struct Case {
  Position position;
  Answers is;
  int status;
  std::string_view said, expected;
};

TEST_CASE("who says an error depends on where its member stands") {
  constexpr Position kLb = Position::kLb;
  constexpr Position kCdn = Position::kCdn;
  constexpr std::string_view kRefused = "a; error=connection_refused";
  constexpr std::string_view kInside =
      "a; error=connection_refused, b; received-status=502";
  constexpr Case kCases[] = {
      {kCdn, Answers::kLb, 502, kRefused, "502A | app,server | lb | claimed"},
      {kCdn, Answers::kServer, 502, kRefused,
       "502C | app,server | server | claimed"},
      {kCdn, Answers::kApp, 502, kRefused,
       "502B | db,datastore,auth | app | claimed"},
      {kCdn, Answers::kUnset, 502, kRefused,
       "502A 502C | app,server | lb,server | claimed"},
      {kLb, Answers::kUnset, 502, kRefused,
       "502C | app,server | server | claimed"},
      {kLb, Answers::kApp, 502, kRefused,
       "502B | db,datastore,auth | app | claimed"},
      {kCdn, Answers::kLb, 502, kInside,
       "502B 502C | app,server,db,datastore,auth | server,app | claimed"},
      {kLb, Answers::kServer, 502, kInside,
       "502B | db,datastore,auth | app | claimed"},
      // The innermost error counts, whatever the others met after it.
      {kCdn, Answers::kLb, 504,
       "a; received-status=500, b; error=dns_timeout, c; error=dns_error",
       "504B 504C | dns | server,app | claimed"},
      // A proxy that sends a status of its own is to blame for it itself.
      {kCdn, Answers::kLb, 404, "a; error=destination_not_found",
       "404 | lb | lb | claimed"},
      {kCdn, Answers::kLb, 503, "a; error=proxy_internal_response",
       "503 | lb | lb | claimed"},
      {kCdn, Answers::kLb, 429, "a; error=http_request_denied",
       "429 | browser-app,browser,lb | lb | claimed"},
      {kCdn, Answers::kLb, 501, "a; error=http_request_error",
       "- | browser-app,browser | lb | claimed"},
  };
  for (const Case& c : kCases) {
    INFO(c.said);
    CHECK(Short(Said(c.position, c.is, c.status, c.said)) == c.expected);
  }
}

TEST_CASE("who only passed an error on did not make it") {
  constexpr std::string_view kPassed = "lb-in; received-status=502";
  CHECK(Short(Said(Position::kCdn, Answers::kLb, 502, kPassed)) ==
        "502B 502C | app,db | server,app | claimed");
  CHECK(Short(Said(Position::kLb, Answers::kUnset, 502, kPassed)) ==
        "502B | db | app | claimed");
  // There is nothing to choose from.
  CHECK(Short(Said(Position::kLb, Answers::kApp, 502, kPassed)) ==
        "502B | db | app | documented");
  CHECK(Short(Said(Position::kCdn, Answers::kLb, 503,
                   "lb-in; received-status=503")) ==
        "503 | server | lb | documented");
}

TEST_CASE("nobody is believed through one of our kind that does not do so") {
  Observation o = Relayed(Position::kCdn, Answers::kLb, 507);
  TestimonyFacts& said = *o.testimony;
  said.proxy_status = "x; error=connection_refused, in; received-status=507";
  CHECK(Diagnose(o).hearing == Hearing::kBelieved);
  said.error_fault = "relay-507; basis=observed";
  CHECK(Diagnose(o).hearing == Hearing::kIgnored);
  CHECK(Diagnose(o).cause.empty());
  // Nor can it take the other's word away.
  said.error_fault = "relay-502; row=\"502B 502C\"; basis=documented";
  said.error_cause = "app, db";
  said.error_reporter = "server, app";
  said.proxy_status = "x; error=http_request_error, in; received-status=502";
  o.status = 502;
  CHECK(Short(Diagnose(o)) == "502B 502C | app,db | server,app | claimed");
  said.proxy_status = "x; received-status=400, in; received-status=502";
  CHECK(Diagnose(o).hearing == Hearing::kBelieved);
  said.vendor = "X-Squid-Error: ERR_ACCESS_DENIED 0";
  CHECK(Diagnose(o).hearing == Hearing::kBelieved);
  said.proxy_status = "x, in; received-status=400";
  CHECK(Diagnose(o).hearing == Hearing::kQuarantined);
}

TEST_CASE("fields of vendors count where nothing better was said") {
  Observation o = Relayed(Position::kCdn, Answers::kLb, 503);
  o.testimony->vendor = "X-Squid-Error: ERR_DNS_FAIL 0";
  CHECK(Short(Diagnose(o)) == "503 | dns | lb | claimed");
  o.testimony->error_cause = "server";
  CHECK(Short(Diagnose(o)) == "503 | server | lb | claimed");
  o = Relayed(Position::kCdn, Answers::kLb, 502);
  o.testimony->vendor = "X-Runtime: 0.1";
  CHECK(Short(Diagnose(o)) == "502B | db | app | claimed");
  o.testimony->vendor = "x-envoy-upstream-service-time: 3";
  CHECK(Short(Diagnose(o)) == "502B 502C | app,db | server,app | claimed");
}

TEST_CASE("an app may blame what it asks, in any status") {
  for (int status : {401, 404, 500, 502, 503, 504, 511, 520}) {
    for (std::string_view hop : {"db", "datastore", "auth"}) {
      Observation o = Relayed(Position::kLb, Answers::kApp, status);
      o.testimony->error_cause = hop;
      const Verdict v = Diagnose(o);
      INFO(Dump(v));
      CHECK(Join(v.cause) == hop);
      CHECK(v.basis == Basis::kClaimed);
      CHECK_FALSE(v.cleared.contains(*ParseHop(hop)));
      CHECK(v.rows.empty() == RowsOf(status).empty());
    }
  }
}

TEST_CASE("rows that fit a claim stay named: of all its ways to say which") {
  struct Fit {
    std::string_view fault, reporter, cause, rows;
  };
  constexpr Fit kFits[] = {
      {"x; row=\"502B 502C\"", "lb", "app", "502B 502C"},
      {"x; row=\"502C\"", "", "db", "502C"},
      {"", "server", "db", "502C"},
      {"", "server, app", "db", "502B 502C"},
      {"", "", "db", "502B"},
      {"", "", "app", "502A 502C"},
      {"", "", "tor", "502A 502B 502C"},
      {"", "auth", "tor", "502A 502B 502C"},
  };
  for (const Fit& fit : kFits) {
    Observation o = Relayed(Position::kCdn, Answers::kLb, 502);
    o.testimony->error_fault = fit.fault;
    o.testimony->error_reporter = fit.reporter;
    o.testimony->error_cause = fit.cause;
    const Verdict v = Diagnose(o);
    INFO(Dump(v));
    CHECK(Join(v.rows) == fit.rows);
    CHECK(Join(v.cause) == fit.cause);
  }
}

TEST_CASE(
    "where no balancer stands behind us, a claimed `lb` is who answered") {
  Observation o = Relayed(Position::kLb, Answers::kServer, 503);
  o.testimony->error_cause = "app";
  o.testimony->error_reporter = "lb";
  CHECK(Short(Diagnose(o)) == "503 | app | server | claimed");
}

TEST_CASE("a status without a row may be claimed as well") {
  Observation o = Relayed(Position::kCdn, Answers::kLb, 507);
  o.testimony->error_cause = "datastore";
  o.testimony->error_reporter = "app";
  CHECK(Short(Diagnose(o)) == "- | datastore | app | claimed");
}

TEST_CASE("what became of it is told, and why") {
  Observation o = Relayed(Position::kCdn, Answers::kLb, 502);
  o.testimony->proxy_status =
      "in; error=dns_error; rcode=\"NXDOMAIN\"; details=\"no such name\"";
  o.testimony->via = "1.1 in";
  Verdict v = Diagnose(o);
  CHECK(v.hearing == Hearing::kBelieved);
  CHECK_THAT(Evidenced(v),
             Catch::Contains("claim: the upstream says: in says "
                             "error=dns_error rcode=\"NXDOMAIN\" \"no such "
                             "name\": believed; via 1.1 in\n"));
  o.believe = false;
  v = Diagnose(o);
  CHECK(v.hearing == Hearing::kIgnored);
  CHECK_THAT(Evidenced(v), Catch::Contains(": ignored (believe: false)"));
  o.believe = true;
  o.testimony->error_cause = "printer";
  o.testimony->proxy_status = "";
  v = Diagnose(o);
  CHECK(v.hearing == Hearing::kIgnored);
  CHECK_THAT(
      Evidenced(v),
      Catch::Contains(
          "no cause: ignored (nothing of the cause); no hop is printer"));
  o.testimony->error_cause = "browser";
  v = Diagnose(o);
  CHECK(v.hearing == Hearing::kQuarantined);
  CHECK(v.basis == Basis::kDocumented);
  CHECK_THAT(Evidenced(v),
             Catch::Contains("Error-Cause browser: quarantined (Error-Cause "
                             "names a hop"));
  o.testimony.reset();
  v = Diagnose(o);
  CHECK(v.hearing == Hearing::kNothing);
  CHECK_THAT(Evidenced(v), !Catch::Contains("claim:"));
}

TEST_CASE("who says much leaves room for the rest of the evidence") {
  const std::string much(5000, 'm');
  Observation o = Relayed(Position::kCdn, Answers::kLb, 502);
  const std::string member = much + "; error=dns_error; rcode=" + much +
                             "; info-code=1; details=\"" + much + "\"";
  o.testimony->proxy_status = member;
  o.testimony->error_reporter = much;
  o.testimony->via = much;
  o.testimony->server_timing = much;
  TlsFacts& tls = o.attempt.tls.emplace();
  tls.complete = true;
  tls.verification = Verification::kOff;
  const std::string evidence = Evidenced(Diagnose(o));
  CHECK_THAT(evidence, Catch::Contains("error=dns_error"));
  CHECK_THAT(evidence, Catch::Contains("who answers there is not known\n"));
}

TEST_CASE("every type of error suspects somebody, whoever says it") {
  for (size_t i = 1; i < kErrorTypeCount; ++i) {
    const auto type = static_cast<ErrorType>(i);
    for (Hop speaker : {Hop::kLb, Hop::kServer, Hop::kApp}) {
      INFO(ErrorTypeName(type) << " by " << HopName(speaker));
      const HopList suspects = MeaningOf(type, {speaker});
      CHECK_FALSE(suspects.empty());
      const bool app = speaker == Hop::kApp;
      const HopSet others{Hop::kDb, Hop::kDatastore, Hop::kAuth};
      // An app does not blame itself for what it asks, nor a proxy the db.
      if (!app) CHECK((suspects.set() & others).empty());
    }
  }
  CHECK(MeaningOf(ErrorType::kNone, {Hop::kLb}).empty());
}

// What we would suspect by the same error: the table must not forget the
// likeliest of it, seen from the balancer.
TEST_CASE("an error means to others what its faults mean to us") {
  const HopSet leg{Hop::kTor, Hop::kServer, Hop::kApp, Hop::kDns, Hop::kLb};
  size_t agreed = 0;
  size_t met = 0;
  for (size_t i = 0; i < kFaultCount; ++i) {
    const FaultInfo& info = GetFault(static_cast<Fault>(i));
    if (info.type == ErrorType::kNone || info.phase < Phase::kDns) continue;
    const HopList suspects = info.at_lb.hops.Only(leg);
    if (info.phase > Phase::kBody || suspects.empty()) continue;
    ++met;
    agreed += MeaningOf(info.type, {Hop::kLb}).contains(suspects[0]);
  }
  CHECK(met > 60);
  // A firewall's refusal, our own descriptors and the like are the others'.
  CHECK(agreed * 100 > met * 90);
}

}  // namespace
}  // namespace whichhop::diagnostics
