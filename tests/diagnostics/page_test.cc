#include "diagnostics/page.h"

#include "diagnostics/diagnose.h"
#include "diagnostics/html_page.h"
#include "tests/catch.h"
#include "tests/diagnostics/sightings.h"

namespace whichhop::diagnostics {
namespace {

Verdict Of(std::string_view sighting, int status = 502) {
  Observation o;
  See(sighting, o);
  o.status = static_cast<uint16_t>(status);
  return Diagnose(o);
}

std::string Body(BodyType type, const Verdict& verdict,
                 const PageInput& input) {
  std::string out;
  AppendBody(type, verdict, input, out);
  return out;
}

std::string Summary(const Verdict& verdict) {
  std::string out;
  AppendSummary(verdict, out);
  return out;
}

bool Has(std::string_view text, std::string_view part) {
  return text.find(part) != text.npos;
}

constexpr PageInput kPublic{"01JD", "shop.example", "/a", Audience::kPublic};
constexpr PageInput kOperator{"01JD", "shop.example", "/a",
                              Audience::kOperator};

TEST_CASE("a summary says what happened and whom to page") {
  struct Case {
    std::string_view sighting;
    int status;
    std::string_view summary;
  };
  const Case cases[] = {
      {"ConnectRefusedRst", 0,
       "The upstream refused the connection: nothing listens there. Page "
       "whoever runs the app (app); next suspect: server."},
      {"RouteNone", 0,
       "No route of this proxy matches the request. Page whoever runs this "
       "proxy (lb)."},
      {"RateLimited", 0,
       "The client sent too many requests. It comes from the client's side "
       "(browser, browser-app): nobody to page."},
      {"WriteTimeoutUnackedContradiction", 0,
       "The request gets no acknowledgement: the connection is dead. Which "
       "hop caused it is not known; ask lb, which reported it."},
      {"Relayed", 500,
       "The upstream answered 500 Internal Server Error: An unexpected "
       "condition, and nothing more specific fits. Page whoever runs the app "
       "(app)."},
      {"Relayed", 418,
       "The upstream answered 418 I'm a teapot: The device is a teapot (RFC "
       "2324, 1 April 1998). Nothing is broken: the device is a teapot."},
      {"Relayed", 405,
       "The upstream answered 405 Method Not Allowed. Which hop caused it is "
       "not known; ask server, which reported it."},
  };
  for (const Case& c : cases)
    CHECK(Summary(Of(c.sighting, c.status)) == c.summary);
}

TEST_CASE("another balancer behind us is not taken for this proxy") {
  Observation o;
  o.is = Answers::kLb;
  See("ConnectResetAfterEstablished", o);
  CHECK(Summary(Diagnose(o)) ==
        "The upstream accepted the connection and dropped it at once. Page "
        "whoever runs the balancer (lb); next suspects: server, app.");
}

TEST_CASE("the JSON body has the members that the documentation lists") {
  CHECK(Body(BodyType::kJson, Of("ConnectTimeout"), kPublic) ==
        R"({"type":"about:blank","title":"Gateway Timeout","status":504,)"
        R"("error_id":"01JD","cause":["tor","server","app"],)"
        R"("reporter":["lb"],"cleared":[],"fault":"connect-timeout",)"
        R"("row":["504A"],"basis":"observed","documented":[{"row":"504A",)"
        R"("cause":["app"],"reporter":"lb","cleared":[]}]})"
        "\n");
}

TEST_CASE("evidence is for operators, and every rule is named in it") {
  const std::string said =
      Body(BodyType::kJson, Of("ConnectRefusedRst"), kOperator);
  CHECK(Has(said, R"("evidence":["fault: The upstream refused)"));
  CHECK(Has(said, R"("X3: the refusal took 0.4 ms)"));
  CHECK(Has(said, "clears: tor"));
  for (BodyType type : {BodyType::kText, BodyType::kJson, BodyType::kHtml}) {
    CHECK_FALSE(Has(Body(type, Of("ConnectRefusedRst"), kPublic), "X3"));
  }
}

TEST_CASE("the text body says it in words") {
  const std::string said = Body(BodyType::kText, Of("Relayed"), kPublic);
  CHECK(said ==
        "502 Bad Gateway\n\n"
        "The upstream answered 502 Bad Gateway. Page whoever runs the app "
        "(app); next suspect: db.\n\n"
        "Cause:      app, db\n"
        "Reporter:   server, app\n"
        "Fault:      relay-502 (documented)\n"
        "Documented: row 502B: cause db; reporter app; cleared none\n"
        "Documented: row 502C: cause app; reporter server; cleared none\n"
        "Error id:   01JD\n");
}

TEST_CASE("the public sees no address, host or path in any body") {
  for (const Sighting& sighting : AllSightings()) {
    const Verdict v = Of(sighting.name);
    if (v.status == 0) continue;
    for (BodyType type : {BodyType::kText, BodyType::kJson, BodyType::kHtml}) {
      const std::string said = Body(type, v, kPublic);
      CHECK_FALSE(Has(said, "10.0.0."));
      CHECK_FALSE(Has(said, "shop.example"));
    }
  }
}

TEST_CASE("hostile hosts, paths and details come out harmless") {
  const PageInput hostile{"01\"><b>", "<script>alert(1)</script>",
                          "/\x1b]0;x\x07'\"<img src=x>\xFF",
                          Audience::kOperator};
  Observation o;
  See("HeadBadField", o);
  o.attempt.rule = "</style><script>\x1b[2J";
  o.attempt.address = "<b>\"";
  const Verdict v = Diagnose(o);
  for (BodyType type : {BodyType::kText, BodyType::kJson, BodyType::kHtml}) {
    const std::string said = Body(type, v, hostile);
    CHECK_FALSE(Has(said, "\x1b"));
    CHECK_FALSE(Has(said, "\x07"));
    CHECK_FALSE(Has(said, "\xFF"));
    if (type == BodyType::kHtml) {
      CHECK_FALSE(Has(said, "<script"));
      CHECK_FALSE(Has(said, "<img"));
      CHECK_FALSE(Has(said, "<b>"));
    }
  }
}

TEST_CASE("the page stands alone and says states in words") {
  const std::string page =
      Body(BodyType::kHtml, Of("ConnectRefusedRst"), kPublic);
  CHECK(page.starts_with("<!doctype html>\n<html lang=\"en\">"));
  CHECK(Has(page, "<span class=\"tag cause\">cause</span>"));
  CHECK(Has(page, "<span class=\"tag reporter\">reporter</span>"));
  CHECK(Has(page, "<span class=\"tag cleared\">cleared</span>"));
  CHECK(Has(page, "prefers-color-scheme:dark"));
  CHECK(Has(page,
            std::string("<style>") + std::string(PageStyle()) + "</style>"));
  for (std::string_view outside :
       {"<script", "http:", "https:", "src=", "style=", "@import", "url("}) {
    INFO(outside);
    CHECK_FALSE(Has(page, outside));
  }
}

TEST_CASE("dns and teapot are drawn only where they matter") {
  CHECK(Has(Body(BodyType::kHtml, Of("DnsServfail"), kPublic),
            "<code>dns</code>"));
  CHECK_FALSE(
      Has(Body(BodyType::kHtml, Of("RouteNone"), kPublic), "<code>dns</code>"));
  CHECK(Has(Body(BodyType::kHtml, Of("Relayed", 418), kPublic),
            "<code>teapot</code>"));
}

}  // namespace
}  // namespace whichhop::diagnostics
