#include "diagnostics/mask.h"

#include "diagnostics/diagnose.h"
#include "tests/catch.h"
#include "tests/diagnostics/dump.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

constexpr std::string_view kStory =
    "404 relay-404 row 404 | cause image-host,datastore | reporter browser | "
    "cleared browser-app,device,router,isp,tor,lb,server,app,db-host,db,"
    "store-host,auth-host,auth | documented -";

Observation At(Position position, std::string_view sighting) {
  Observation seen;
  seen.position = position;
  See(sighting, seen);
  return seen;
}

Verdict Masked(const Observation& seen) {
  Verdict verdict = Diagnose(seen);
  Mask(404, verdict);
  return verdict;
}

}  // namespace

TEST_CASE("the public is told the whole story of the status that is claimed") {
  CHECK(Dump(MaskedStory(At(Position::kLb, "Relayed401"), 404)) == kStory);
  CHECK(Dump(MaskedStory(At(Position::kCdn, "AuthDenied403"), 404)) == kStory);
}

TEST_CASE("a story is the same whatever was seen, but for the configuration") {
  for (const Sighting& sighting : AllSightings()) {
    INFO(sighting.name);
    Observation seen;
    sighting.see(seen);
    Observation nothing;
    nothing.is = seen.is;
    const Verdict story = MaskedStory(seen, 404);
    CHECK(Dump(story) == Dump(MaskedStory(nothing, 404)));
    CHECK(story.next_hop.empty());
    CHECK(story.details.empty());
    CHECK(story.protocol.empty());
    CHECK(story.masked == 0);
  }
}

TEST_CASE("the truth goes under the status that is sent") {
  CHECK(Dump(Masked(At(Position::kLb, "Relayed401"))) ==
        "404 relay-401 row 401 | cause auth | reporter app | cleared "
        "browser-app,browser,router,isp,tor,lb | documented -");
  const Verdict own = Masked(At(Position::kCdn, "AuthDenied403"));
  CHECK(Dump(own) ==
        "404 auth-denied row 403 | cause browser-app,browser | reporter cdn | "
        "cleared router | observed http_request_denied");
  CHECK(own.masked == 403);
  CHECK(own.evidence[own.evidence.size() - 1].sentence ==
        "the route masks 403: the public is told of a 404");
}

}  // namespace whichhop::diagnostics
