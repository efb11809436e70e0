#include "diagnostics/cdn.h"

#include <initializer_list>
#include <string>
#include <vector>

#include "diagnostics/diagnose.h"
#include "diagnostics/page.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

Observation At(std::string_view sighting, Statuses statuses) {
  Observation seen;
  seen.statuses = statuses;
  See(sighting, seen);
  return seen;
}

Verdict Through(const Observation& seen, Cdn cdn = Cdn::kCloudflare) {
  Verdict verdict = Diagnose(seen);
  SendThrough(cdn, verdict);
  return verdict;
}

// "502 as 503"
std::string Sent(const Verdict& verdict) {
  return std::to_string(verdict.unsent) + " as " +
         std::to_string(verdict.status);
}

std::string EvidenceOf(const Verdict& verdict) {
  std::string all;
  for (size_t i = 0; i < verdict.evidence.size(); ++i) {
    AppendEvidence(verdict.evidence[i], all);
    all += '\n';
  }
  return all;
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

Observation Answer(Kind kind, uint16_t status) {
  Observation seen;
  seen.kind = kind;
  seen.status = status;
  return seen;
}

}  // namespace

TEST_CASE("cloudflare has a page for 502, 504 and what it says itself") {
  std::vector<uint16_t> hidden;
  for (uint16_t status = 400; status < 600; ++status) {
    CHECK_FALSE(ShowsOwnPage(Cdn::kNone, status));
    if (ShowsOwnPage(Cdn::kCloudflare, status)) hidden.push_back(status);
  }
  CHECK(hidden == std::vector<uint16_t>{502, 504, 520, 521, 522, 523, 524, 525,
                                        526, 527, 530});
}

TEST_CASE("what no server has begun is a 503, what one may have done a 500") {
  struct Case {
    std::string_view sighting;
    std::string_view gateway;
    std::string_view edge;
  };
  const Case cases[] = {
      {"ConnectRefusedRst", "502 as 503", "521 as 503"},
      {"ConnectTimeout", "504 as 503", "522 as 503"},
      {"RespTimeoutTtfb", "504 as 500", "524 as 500"},
      {"RespEmptyFin", "502 as 500", "520 as 500"},
      {"LoopDetected", "502 as 500", "502 as 500"},
      {"RouteNone", "0 as 404", "0 as 404"},
  };
  for (const Case& c : cases) {
    INFO(c.sighting);
    CHECK(Sent(Through(At(c.sighting, Statuses::kGateway))) == c.gateway);
    CHECK(Sent(Through(At(c.sighting, Statuses::kEdge))) == c.edge);
  }
}

TEST_CASE("of a status of edges the gateway's is taken, if it is to be seen") {
  CHECK(Sent(Through(At("BackendAllDownTimeout", Statuses::kEdge))) ==
        "522 as 503");
  CHECK(Sent(Through(At("BackendAllDownTimeout", Statuses::kGateway))) ==
        "0 as 503");
}

TEST_CASE("nothing that is produced is hidden, and nothing else changes") {
  for (const Statuses statuses : {Statuses::kGateway, Statuses::kEdge}) {
    for (const Sighting& sighting : AllSightings()) {
      INFO(sighting.name);
      Observation seen;
      seen.statuses = statuses;
      sighting.see(seen);
      if (seen.kind == Kind::kRelayed || seen.kind == Kind::kRespond) continue;
      const Verdict plain = Diagnose(seen);
      const Verdict sent = Through(seen);
      CHECK_FALSE(ShowsOwnPage(Cdn::kCloudflare, sent.status));
      CHECK((sent.unsent == 0 ? sent.status : sent.unsent) == plain.status);
      CHECK(sent.rows == plain.rows);
      CHECK(sent.id.view() == plain.id.view());
      CHECK(sent.cause.set() == plain.cause.set());
      CHECK(sent.type == plain.type);
      CHECK(Sent(Through(seen, Cdn::kNone)) ==
            "0 as " + std::to_string(plain.status));
    }
  }
}

TEST_CASE("a status that somebody else chose stays, and the evidence tells") {
  for (const Kind kind : {Kind::kRelayed, Kind::kRespond}) {
    for (const uint16_t status :
         std::initializer_list<uint16_t>{502, 504, 522}) {
      const Verdict sent = Through(Answer(kind, status));
      CHECK(Sent(sent) == "0 as " + std::to_string(status));
      CHECK(Has(EvidenceOf(sent),
                "remark: cloudflare shows a page of its own in place of a " +
                    std::to_string(status) +
                    ": the visitor does not see this body"));
    }
    const std::string before = EvidenceOf(Diagnose(Answer(kind, 503)));
    CHECK(EvidenceOf(Through(Answer(kind, 503))) == before);
  }
}

TEST_CASE("a 407 that may not pass is ours to say") {
  CHECK(Sent(Through(Answer(Kind::kRelayed, 407))) == "502 as 500");
}

TEST_CASE("the page says the status that is sent and tells what happened") {
  const Verdict sent = Through(At("RespTimeoutTtfb", Statuses::kGateway));
  PageInput operators;
  operators.audience = Audience::kOperator;
  std::string json;
  AppendBody(BodyType::kJson, sent, operators, json);
  CHECK(Has(json, R"("title":"Internal Server Error","status":500)"));
  CHECK(Has(json, R"("fault":"resp-timeout-ttfb","row":["504A"])"));
  CHECK(Has(json, "in place of a 504: a 500 is sent"));
  // What a visitor may do depends on what happened.
  std::string page;
  AppendBody(BodyType::kHtml, sent, {}, page);
  CHECK(Has(page, "look first whether it arrived"));
}

}  // namespace whichhop::diagnostics
