#include "proxy/cli/probe_findings.h"

#include "diagnostics/diagnose.h"
#include "tests/catch.h"

namespace whichhop {
namespace {

using namespace diagnostics;

// The upstream took the request, and closed without an answer.
Observation EmptyAnswer(Position position) {
  Observation seen;
  seen.position = position;
  seen.statuses =
      position == Position::kCdn ? Statuses::kEdge : Statuses::kGateway;
  seen.kind = Kind::kAttempt;
  seen.attempt.phase = AttemptPhase::kWait;
  seen.attempt.end = AttemptEnd::kFin;
  seen.attempt.sent = 100;
  seen.attempt.acked = 100;
  seen.attempt.tcp.emplace();
  return seen;
}

TEST_CASE("nobody before us is cleared by a request that did not come there") {
  const Verdict there = Diagnose(EmptyAnswer(Position::kCdn));
  REQUIRE(there.cleared.contains(Hop::kBrowser));
  const Verdict here = WithoutClient(there);
  CHECK(here.cleared == (HopSet{Hop::kIsp, Hop::kTor}));
  CHECK(here.cause.set() == there.cause.set());
  for (size_t i = 0; i < here.evidence.size(); ++i) {
    CHECK(here.evidence[i].rule != Rule::kX1);
    CHECK((here.evidence[i].cleared & PathBefore(Position::kCdn)).empty());
  }
  CHECK(here.evidence.size() + 1 == there.evidence.size());
}

TEST_CASE("a hop on both sides stays cleared by what was seen behind us") {
  CHECK(WithoutClient(Diagnose(EmptyAnswer(Position::kLb))).cleared ==
        (HopSet{Hop::kTor}));
}

TEST_CASE("of a documented row the hops before us are not cleared") {
  Observation seen;
  seen.kind = Kind::kRelayed;
  seen.status = 404;
  const Verdict there = Diagnose(seen);
  REQUIRE(there.cleared.contains(Hop::kTor));
  const Verdict here = WithoutClient(there);
  CHECK((here.cleared & PathBefore(Position::kLb)).empty());
  CHECK(here.cleared.contains(Hop::kDb));
}

}  // namespace
}  // namespace whichhop
