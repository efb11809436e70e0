#include "diagnostics/page.h"

#include <algorithm>
#include <vector>

#include "diagnostics/diagnose.h"
#include "diagnostics/html_page.h"
#include "diagnostics/sha256.h"
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

constexpr PageInput kPublic{"01JD", "shop.example", "/a", Audience::kPublic,
                            Language::kEnglish};
constexpr PageInput kOperator{"01JD", "shop.example", "/a", Audience::kOperator,
                              Language::kEnglish};

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
                          Audience::kOperator, Language::kEnglish};
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
  CHECK(page.starts_with("<!DOCTYPE html>\n<html lang=\"en\">"));
  CHECK(Has(page, "<span class=\"tag cause\">✗ cause</span>"));
  CHECK(Has(page, "<span class=\"tag reporter\">! reporter</span>"));
  CHECK(Has(page, "<span class=\"tag cleared\">✓ cleared</span>"));
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
            "data-hop=\"dns\""));
  CHECK_FALSE(
      Has(Body(BodyType::kHtml, Of("RouteNone"), kPublic), "data-hop=\"dns\""));
  CHECK(Has(Body(BodyType::kHtml, Of("Relayed", 418), kPublic),
            "data-hop=\"teapot\""));
}

TEST_CASE("a page tells each party what to do next") {
  const std::string page =
      Body(BodyType::kHtml, Of("ConnectRefusedRst"), kPublic);
  CHECK(Has(page, "<h3>You are visiting</h3>\n<p>You can't mend it."));
  CHECK(Has(page,
            "<h3>You run the site</h3>\n<ul>\n"
            "<li>App (<code>app</code>): Check that the app runs;"));
  CHECK(Has(page,
            "<h3>You run the network</h3>\n"
            "<p>None of the suspects is yours.</p>"));
  const std::string ours = Body(BodyType::kHtml, Of("RouteNone"), kPublic);
  CHECK(Has(ours, "Check the address"));
  CHECK(Has(ours, "(<code>lb</code>): Look at this proxy's own log"));
  const std::string unknown =
      Body(BodyType::kHtml, Of("Relayed", 405), kPublic);
  CHECK(Has(unknown, "Look the error id up in this proxy's log"));
  CHECK(Has(unknown, "No suspect is known"));
  CHECK(Has(Body(BodyType::kHtml, Of("Relayed", 418), kPublic),
            "<h3>You run the network</h3>\n<p>Nothing is broken"));
}

// The parts are made anew, of a page most is kept from pages before.
void CheckComposed(const Verdict& v, const PageInput& input) {
  const std::string page = Body(BodyType::kHtml, v, input);
  size_t at = page.find("<body>");
  for (PagePart part :
       {PagePart::kSummary, PagePart::kDiagram, PagePart::kAdvice,
        PagePart::kId, PagePart::kDocumented, PagePart::kEvidence}) {
    std::string alone;
    AppendPagePart(part, v, input, alone);
    at = page.find(alone, at);
    REQUIRE(at != page.npos);
    at += alone.size();
  }
}

TEST_CASE("a page is composed of its parts, whatever pages came before it") {
  PageInput german = kPublic;
  german.language = Language::kGerman;
  for (const Sighting& sighting : AllSightings()) {
    for (int status : {404, 502, 504}) {
      const Verdict v = Of(sighting.name, status);
      if (v.status == 0) continue;
      for (const PageInput& input : {kPublic, german, kOperator}) {
        CheckComposed(v, input);
      }
      CheckComposed(Of("ConnectRefusedRst"), kOperator);
    }
  }
}

TEST_CASE("evidence is on no page for the public") {
  std::string out;
  AppendPagePart(PagePart::kEvidence, Of("ConnectRefusedRst"), kPublic, out);
  CHECK(out.empty());
}

TEST_CASE("a German page is German but for names and evidence") {
  PageInput input = kOperator;
  input.language = Language::kGerman;
  const std::string page =
      Body(BodyType::kHtml, Of("ConnectRefusedRst"), input);
  CHECK(page.starts_with("<!DOCTYPE html>\n<html lang=\"de\">"));
  CHECK(Has(page, "<h1 lang=\"en\">502 Bad Gateway</h1>"));
  CHECK(Has(page,
            "Der Upstream hat die Verbindung abgelehnt: Dort lauscht niemand. "
            "<strong>Dran ist, wer die App betreibt (app); danach verdächtig: "
            "server.</strong>"));
  CHECK(Has(page, "<ul lang=\"en\">\n<li>fault: The upstream refused"));
  CHECK_FALSE(Has(page, "You run"));
}

TEST_CASE("text that was asked for by name has the diagram") {
  const Verdict v = Of("ConnectRefusedRst");
  const std::string text = Body(BodyType::kText, v, kPublic);
  const std::string drawn = Body(BodyType::kDrawnText, v, kPublic);
  REQUIRE(drawn.starts_with(text));
  CHECK(Has(drawn, "╔═ App ═"));
  CHECK(Has(drawn, "━ LB ━━━ you are here ━"));
  CHECK_FALSE(Has(drawn, "\x1b"));
  CHECK_FALSE(Has(text, "═"));
}

TEST_CASE("fields say what a body is, and which style a page may have") {
  const Language en = Language::kEnglish;
  CHECK(BodyFields(BodyType::kText, en) ==
        "Content-Type: text/plain; charset=utf-8\r\nVary: Accept\r\n");
  CHECK(BodyFields(BodyType::kDrawnText, en) ==
        BodyFields(BodyType::kText, en));
  CHECK(BodyFields(BodyType::kJson, en) ==
        "Content-Type: application/problem+json\r\nVary: Accept\r\n");
  const std::array<char, 44> digest = Base64(Sha256(PageStyle()));
  const std::string fields =
      "Content-Type: text/html; charset=utf-8\r\nContent-Language: de\r\n"
      "Vary: Accept, Accept-Language\r\nContent-Security-Policy: default-src "
      "'none'; style-src 'sha256-" +
      std::string(digest.data(), digest.size()) +
      "'; base-uri 'none'; form-action 'none'\r\n";
  CHECK(BodyFields(BodyType::kHtml, Language::kGerman) == fields);
}

constexpr size_t kPageMax = 24 * 1024;

// What escapes widest, in every place that takes text from outside.
Verdict Largest() {
  Verdict v = Of("ConnectTimeout");
  v.position = Position::kCdn;
  v.rows = {RowId::k502A, RowId::k502B, RowId::k502C};
  v.cause =
      HopList(HopSet{Hop::kDns, Hop::kIsp, Hop::kTor, Hop::kLb, Hop::kServer,
                     Hop::kApp, Hop::kDb, Hop::kAuth, Hop::kBrowserApp});
  v.reporter = v.cause;
  v.cleared = HopSet{Hop::kTeapot, Hop::kImageHost, Hop::kBrowser};
  v.next_hop = decltype(v.next_hop)(std::string(200, '"'));
  v.evidence = Evidence();
  for (size_t i = 0; i < Evidence::kMaxItems; ++i) {
    v.evidence.Begin(Rule::kUnknown, v.cleared, v.cause.set());
    v.evidence << std::string(Evidence::kMaxBytes / Evidence::kMaxItems, '"');
  }
  return v;
}

TEST_CASE("a page is below 24 KiB, whatever it is about") {
  const std::string wide(9000, '"');
  for (Language language : {Language::kEnglish, Language::kGerman}) {
    const PageInput input{std::string_view(wide).substr(0, 26), wide, wide,
                          Audience::kOperator, language};
    const size_t largest = Body(BodyType::kHtml, Largest(), input).size();
    CAPTURE(largest);
    CHECK(largest < kPageMax);
    for (const Sighting& sighting : AllSightings()) {
      const Verdict v = Of(sighting.name);
      CHECK(Body(BodyType::kHtml, v, input).size() < kPageMax);
    }
    for (const Row& row : kModel) {
      const Verdict v = Of("Relayed", row.status);
      CHECK(Body(BodyType::kHtml, v, input).size() < kPageMax);
    }
  }
}

// Every octet, and pairs that could end what they stand in, in every place.
TEST_CASE("no text from outside is ever markup") {
  std::vector<std::string> texts = {"</title><q>", "--><q>",  "]]><q>",
                                    "\"><q x=\"",  "'><q>",   "&lt;b&gt;",
                                    "</style><q>", "\xC3<q>", "\xF0\x9F<q>"};
  for (int octet = 0; octet < 256; ++octet) {
    texts.push_back(std::string("<q") + static_cast<char>(octet) + "x>");
  }
  const auto marks = [](const std::string& page) {
    return std::ranges::count(page, '<');
  };
  Observation o;
  See("HeadBadField", o);
  const PageInput calm{"x", "x", "x", Audience::kOperator, Language::kEnglish};
  o.attempt.rule = "x";
  const auto expected = marks(Body(BodyType::kHtml, Diagnose(o), calm));
  for (const std::string& text : texts) {
    INFO(text);
    o.attempt.rule = text;
    o.attempt.address = text;
    const PageInput input{text, text, text, Audience::kOperator,
                          Language::kEnglish};
    const std::string page = Body(BodyType::kHtml, Diagnose(o), input);
    CHECK(marks(page) == expected);
    CHECK_FALSE(Has(page, "<q"));
    if (text.starts_with("&")) CHECK_FALSE(Has(page, text));
    for (const char c : page) {
      const bool control = static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
      if (control && c != '\n' && c != '\t') FAIL("a control character");
    }
  }
}

}  // namespace
}  // namespace whichhop::diagnostics
